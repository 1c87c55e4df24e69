use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::effects::{Effects, Unmarked, now};
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

/// What each must hold: see the table of `main.rs` and [`Scenario::judge`]. A pair runs with `everysec` like its parts, and one pair with
/// `always`.
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

/// The pause between faults. After a kill, the claims of one receiver of three stay until their lease ends, so leave the senders more time.
const fn pause(receiver: Option<ReceiverFault>) -> Duration {
    match receiver {
        Some(ReceiverFault::Kill) => Duration::from_secs(3),
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
    /// Double runs counted by receivers that were killed before the end.
    double_runs: u64,
    faults: usize,
    unmarked: Unmarked,
}

impl Scenario {
    /// Returns a summary, or what did not hold.
    pub async fn run(&self, deliveries: usize) -> Result<String, String> {
        let folder = std::env::temp_dir().join(format!("countersign-chaos-{}-{}", self.name, std::process::id()));
        let effects = Effects::new(&folder);
        let redis = Redis::start(&folder, self.fsync).await;
        let (receivers, ports): (Vec<_>, Vec<_>) = (0..RECEIVERS).map(|_| start_receiver(&folder, &redis.url())).unzip();
        let ports = Arc::new(Mutex::new(ports));
        let sender = Sender::new(Arc::clone(&ports));
        let unmarked = Unmarked::default();
        let mut stage =
            Stage { effects, folder: folder.clone(), redis, receivers, ports, sender: sender.clone(), double_runs: 0, faults: 0, unmarked };
        let began = Instant::now();
        let sending = tokio::spawn(async move { sender.send_all(deliveries).await });
        sleep(Duration::from_millis(250)).await;
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
        for receiver in 0..RECEIVERS {
            stage.double_runs += stage.sender.double_runs(receiver).await;
        }
        let (runs, keyed, overlaps) = (stage.effects.count("effects"), stage.effects.keyed(), stage.effects.count("overlaps"));
        let second_runs: usize = runs.values().map(|count| count - 1).sum();
        let Stage { faults, unmarked, double_runs, .. } = *stage;
        let summary = format!(
            "{deliveries} deliveries, {faults} faults, {second_runs} second runs, {double_runs} counted, {} to {} handlers killed before their \
             mark, {} overlaps, longest {} ms",
            unmarked.certain,
            unmarked.possible,
            overlaps.len(),
            longest.as_millis()
        );
        let fail = |what: &str| Err(format!("{what}: {summary}"));
        if faults == 0 && (self.redis.is_some() || self.receiver.is_some()) {
            return fail("no fault was made");
        }
        if self.receiver == Some(ReceiverFault::Kill) && unmarked.certain == 0 {
            return fail("no handler was killed between its effect and its mark");
        }
        if !lost.is_empty() || runs.len() != deliveries {
            return fail("a delivery was lost");
        }
        if keyed != deliveries {
            return fail("an effect under its key did not happen exactly once");
        }
        if self.receiver == Some(ReceiverFault::PausePastLease) {
            // The guard counts the second run when the paused first handler ends.
            return if u64::try_from(second_runs).unwrap() <= double_runs { Ok(summary) } else { fail("a second run was not counted") };
        }
        if !overlaps.is_empty() {
            return fail("two handlers ran at the same time");
        }
        if double_runs > 0 {
            return fail("a claim was taken from its owner");
        }
        if second_runs < unmarked.certain {
            return fail("a delivery without a mark was not handled again");
        }
        if second_runs > unmarked.possible {
            return fail("a delivery was handled twice");
        }
        if self.receiver.is_none() && longest >= LEASE {
            return fail("a claim without an answer was not given back");
        }
        Ok(summary)
    }
}

impl Stage {
    /// Makes the faults together, waits, and ends them.
    async fn apply(&mut self, redis: Option<RedisFault>, receiver: Option<ReceiverFault>) {
        self.faults += 1;
        let place = self.faults % RECEIVERS;
        if receiver == Some(ReceiverFault::Kill) {
            self.effects.hold(&self.receivers[place].id());
            // Its handlers have their effect, and wait before their mark.
            sleep(Duration::from_millis(100)).await;
        }
        let no_mark_since = now();
        match redis {
            Some(RedisFault::Kill) => self.redis.kill(),
            Some(RedisFault::Pause) => self.redis.process().signal("STOP"),
            Some(RedisFault::Fill) => self.redis.set_maxmemory("1").await,
            None => {}
        }
        match receiver {
            Some(ReceiverFault::Kill) => {
                sleep(Duration::from_millis(fastrand::u64(..300))).await;
                // While Redis is away, answered handlers have no mark either.
                self.kill(place, redis.map_or_else(now, |_| no_mark_since)).await;
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
                let (process, port) = start_receiver(&self.folder, &self.redis.url());
                self.receivers[place] = process;
                self.ports.lock().unwrap()[place] = port;
            }
            Some(ReceiverFault::Pause | ReceiverFault::PausePastLease) => self.receivers[place].signal("CONT"),
            None => {}
        }
    }

    async fn kill(&mut self, place: usize, no_mark_since: u128) {
        self.double_runs += self.sender.double_runs(place).await;
        let process = self.receivers[place].id();
        self.receivers[place].kill();
        self.unmarked.add(self.effects.unmarked(&process, no_mark_since));
    }
}
