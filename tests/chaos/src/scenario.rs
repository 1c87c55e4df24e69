use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::effects::{Effects, Place, Unmarked, now};
use crate::processes::{Process, Redis, start_receiver};
use crate::receiver::LEASE;
use crate::sender::Sender;

pub struct Scenario {
    pub name: &'static str,
    redis: Option<RedisFault>,
    receiver: Option<ReceiverFault>,
    fsync: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum RedisFault {
    Kill,
    Pause,
    Fill,
}

#[derive(Clone, Copy, PartialEq)]
enum ReceiverFault {
    Kill,
    Pause,
    PausePastLease,
}

impl Scenario {
    const fn new(name: &'static str, redis: Option<RedisFault>, receiver: Option<ReceiverFault>) -> Self {
        Self { name, redis, receiver, fsync: "everysec" }
    }

    const fn fsync_always(self) -> Self {
        Self { fsync: "always", ..self }
    }
}

/// The table in `main.rs` and [`Scenario::judge`] say which rules hold in each scenario. Pairs of faults run with `everysec` like the single
/// faults, except for one pair with `always`.
pub const SCENARIOS: [Scenario; 13] = {
    use {ReceiverFault as Receiver, RedisFault as OnRedis};
    [
        Scenario::new("quiet", None, None),
        Scenario::new("redis-killed", Some(OnRedis::Kill), None),
        Scenario::new("redis-killed-always", Some(OnRedis::Kill), None).fsync_always(),
        Scenario::new("redis-paused", Some(OnRedis::Pause), None),
        Scenario::new("redis-full", Some(OnRedis::Fill), None),
        Scenario::new("receiver-killed", None, Some(Receiver::Kill)),
        Scenario::new("receiver-paused", None, Some(Receiver::Pause)),
        Scenario::new("receiver-paused-past-lease", None, Some(Receiver::PausePastLease)),
        Scenario::new("redis-killed-always-receiver-killed", Some(OnRedis::Kill), Some(Receiver::Kill)).fsync_always(),
        Scenario::new("redis-killed-receiver-paused", Some(OnRedis::Kill), Some(Receiver::Pause)),
        Scenario::new("redis-paused-receiver-killed", Some(OnRedis::Pause), Some(Receiver::Kill)),
        Scenario::new("redis-paused-receiver-paused", Some(OnRedis::Pause), Some(Receiver::Pause)),
        Scenario::new("redis-full-receiver-killed", Some(OnRedis::Fill), Some(Receiver::Kill)),
    ]
};

const RECEIVERS: usize = 3;

/// Returns the pause between faults. After a kill, the claims of the killed receiver last until the end of their lease, so the senders need more
/// time. A constant pause could keep in step with the lease.
fn pause(receiver: Option<ReceiverFault>) -> Duration {
    match receiver {
        Some(ReceiverFault::Kill) => Duration::from_millis(fastrand::u64(1000..8000)),
        _ => Duration::from_secs(1),
    }
}

/// The processes of one scenario.
struct Stage {
    effects: Effects,
    folder: PathBuf,
    redis: Redis,
    receivers: Vec<Process>,
    ports: Arc<Mutex<Vec<u16>>>,
    sender: Sender,
    faults: usize,
    /// The kills between effect and mark, for each delivery.
    unmarked: HashMap<String, Unmarked>,
}

impl Scenario {
    /// Runs the scenario. Returns a summary, or the first broken rule with the summary.
    pub async fn run(&self, deliveries: usize) -> Result<String, String> {
        let folder = std::env::temp_dir().join(format!("countersign-chaos-{}-{}", self.name, std::process::id()));
        let effects = Effects::new(&folder);
        let redis = Redis::start(&folder, self.fsync).await;
        let (receivers, ports): (Vec<_>, Vec<_>) =
            (0..RECEIVERS).map(|_| start_receiver(&folder, &redis.url(), self.receiver != Some(ReceiverFault::Kill))).unzip();
        let ports = Arc::new(Mutex::new(ports));
        let sender = Sender::new(Arc::clone(&ports));
        let mut stage =
            Stage { effects, folder: folder.clone(), redis, receivers, ports, sender: sender.clone(), faults: 0, unmarked: HashMap::new() };
        let began = Instant::now();
        let sending = tokio::spawn(async move { sender.send_all(deliveries).await });
        // The first fault meets the first deliveries, however few there are.
        sleep(Duration::from_millis(20)).await;
        while !sending.is_finished() && (self.redis.is_some() || self.receiver.is_some()) {
            stage.apply(self.redis, self.receiver).await;
            sleep(pause(self.receiver)).await;
        }
        let (lost, longest) = sending.await.unwrap();
        let took = began.elapsed();
        let judged = self.judge(&mut stage, deliveries, &lost, longest).await;
        drop(stage);
        let _ = std::fs::remove_dir_all(&folder);
        judged.map(|summary| format!("{summary}, in {} s", took.as_secs()))
    }

    async fn judge(&self, stage: &mut Stage, deliveries: usize, lost: &[usize], longest: Duration) -> Result<String, String> {
        let mut unavailable = 0;
        for receiver in 0..RECEIVERS {
            unavailable += stage.sender.unavailable(receiver).await;
        }
        let Stage { effects, faults, unmarked, .. } = stage;
        let (runs, keyed, overlaps, counted) =
            (effects.count("effects"), effects.keyed(), effects.count("overlaps"), effects.double_runs());
        let double_runs: usize = runs.values().map(|count| count - 1).sum();
        let (certain, possible) =
            unmarked.values().fold((0, 0), |(certain, possible), kills| (certain + kills.certain, possible + kills.possible));
        let summary = format!(
            "{deliveries} deliveries, {faults} faults, {unavailable} times unavailable, {double_runs} double runs, {} of them counted, {certain} to \
             {possible} handlers killed before their mark, {} overlaps, longest {} ms",
            counted.values().sum::<usize>(),
            overlaps.len(),
            longest.as_millis()
        );
        let fail = |what: &str| Err(format!("{what}: {summary}"));
        if *faults == 0 && (self.redis.is_some() || self.receiver.is_some()) {
            return fail("no fault was caused");
        }
        if self.redis.is_some() && unavailable == 0 {
            return fail("no guard has noticed the fault of Redis");
        }
        if !lost.is_empty() || runs.len() != deliveries {
            return fail("a delivery was lost");
        }
        if keyed != deliveries {
            return fail("an effect under its key did not happen exactly once");
        }
        if self.receiver == Some(ReceiverFault::PausePastLease) {
            return if double_runs == 0 {
                fail("no pause led to a double run")
            } else if runs.iter().all(|(delivery, count)| counted.get(delivery).copied().unwrap_or(0) >= count - 1) {
                Ok(summary)
            } else {
                fail("a double run was not counted")
            };
        }
        if !overlaps.is_empty() {
            return fail("two handlers ran at the same time");
        }
        if !counted.is_empty() {
            return fail("a claim was taken from its owner");
        }
        for (delivery, count) in &runs {
            let kills = unmarked.get(delivery).copied().unwrap_or_default();
            if count - 1 < kills.certain {
                return fail("a delivery without a mark was not handled again");
            }
            if count - 1 > kills.possible {
                return fail("a delivery was handled twice");
            }
        }
        // After the rules: a broken rule is worse than a scenario that tests too little.
        if self.receiver == Some(ReceiverFault::Kill) && certain == 0 {
            return fail("no handler was killed between its effect and its mark");
        }
        if self.receiver.is_none() && longest >= LEASE {
            return fail("a claim without an answer was not given back");
        }
        Ok(summary)
    }
}

impl Stage {
    /// Starts the faults together, waits, and ends the faults.
    async fn apply(&mut self, redis: Option<RedisFault>, receiver: Option<ReceiverFault>) {
        self.faults += 1;
        let place = self.faults % RECEIVERS;
        let process = self.receivers[place].id();
        match receiver {
            Some(ReceiverFault::Kill) => self.effects.hold(&process, Place::AfterEffect),
            Some(ReceiverFault::PausePastLease) => self.effects.hold(&process, Place::BeforeEffect),
            Some(ReceiverFault::Pause) | None => {}
        }
        // Handlers reach the place where they are held.
        sleep(Duration::from_millis(100)).await;
        let no_mark_since = now();
        match redis {
            Some(RedisFault::Kill) => self.redis.kill().await,
            Some(RedisFault::Pause) => self.redis.process().signal("STOP"),
            Some(RedisFault::Fill) => self.redis.set_maxmemory("1").await,
            None => {}
        }
        match receiver {
            Some(ReceiverFault::Kill) => {
                sleep(Duration::from_millis(fastrand::u64(..300))).await;
                self.receivers[place].kill();
                // While Redis is away, an answered delivery may have no mark either. A full Redis marks by prolonging the claim.
                let is_away = matches!(redis, Some(RedisFault::Kill | RedisFault::Pause));
                let no_mark_since = if is_away { no_mark_since } else { now() };
                self.effects.add_unmarked(&mut self.unmarked, &process, no_mark_since);
            }
            Some(ReceiverFault::Pause | ReceiverFault::PausePastLease) => self.receivers[place].signal("STOP"),
            None => {}
        }
        sleep(match (redis, receiver) {
            (_, Some(ReceiverFault::PausePastLease)) => LEASE + Duration::from_secs(2),
            (Some(RedisFault::Pause), _) | (_, Some(ReceiverFault::Pause)) => Duration::from_secs(3),
            (Some(RedisFault::Fill), _) => Duration::from_secs(2),
            (Some(RedisFault::Kill), _) => Duration::from_millis(500),
            (None, _) => Duration::ZERO,
        })
        .await;
        match redis {
            Some(RedisFault::Kill) => self.redis.restart().await,
            Some(RedisFault::Pause) => self.redis.process().signal("CONT"),
            Some(RedisFault::Fill) => self.redis.set_maxmemory("0").await,
            None => {}
        }
        match receiver {
            Some(ReceiverFault::Kill) => {
                let (process, port) = start_receiver(&self.folder, &self.redis.url(), false);
                self.receivers[place] = process;
                self.ports.lock().unwrap()[place] = port;
            }
            Some(ReceiverFault::PausePastLease) => {
                self.effects.let_go(&process);
                self.receivers[place].signal("CONT");
            }
            Some(ReceiverFault::Pause) => self.receivers[place].signal("CONT"),
            None => {}
        }
    }
}
