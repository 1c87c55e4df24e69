use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::effects::{Effects, Unmarked, now};
use crate::processes::{Process, Redis, server};
use crate::sender::Sender;
use crate::server::LEASE;

pub struct Scenario {
    pub name: &'static str,
    redis: Option<RedisFault>,
    server: Option<ServerFault>,
    fsync: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum RedisFault {
    Kill,
    Stop,
    Fill,
}

#[derive(Clone, Copy, PartialEq)]
enum ServerFault {
    Kill,
    Stop,
    StopPastLease,
}

impl Scenario {
    const fn new(name: &'static str, redis: Option<RedisFault>, server: Option<ServerFault>) -> Self {
        Self { name, redis, server, fsync: "everysec" }
    }

    const fn fsync_always(self) -> Self {
        Self { fsync: "always", ..self }
    }
}

pub const SCENARIOS: [Scenario; 13] = {
    use {RedisFault as Redis, ServerFault as Server};
    [
        Scenario::new("quiet", None, None),
        Scenario::new("redis-killed", Some(Redis::Kill), None),
        Scenario::new("redis-killed-always", Some(Redis::Kill), None).fsync_always(),
        Scenario::new("redis-stopped", Some(Redis::Stop), None),
        Scenario::new("redis-full", Some(Redis::Fill), None),
        Scenario::new("server-killed", None, Some(Server::Kill)),
        Scenario::new("server-stopped", None, Some(Server::Stop)),
        Scenario::new("server-stopped-past-lease", None, Some(Server::StopPastLease)),
        Scenario::new("redis-killed-server-killed", Some(Redis::Kill), Some(Server::Kill)).fsync_always(),
        Scenario::new("redis-killed-server-stopped", Some(Redis::Kill), Some(Server::Stop)),
        Scenario::new("redis-stopped-server-killed", Some(Redis::Stop), Some(Server::Kill)),
        Scenario::new("redis-stopped-server-stopped", Some(Redis::Stop), Some(Server::Stop)),
        Scenario::new("redis-full-server-killed", Some(Redis::Fill), Some(Server::Kill)),
    ]
};

const SERVERS: usize = 3;

/// Between the end of a fault and the next fault. After a kill, a third of the deliveries on their way wait for a lease.
const fn pause(server: Option<ServerFault>) -> Duration {
    match server {
        Some(ServerFault::Kill) => Duration::from_secs(3),
        _ => Duration::from_secs(1),
    }
}

/// The processes of one scenario.
struct Stage {
    effects: Effects,
    folder: PathBuf,
    redis: Redis,
    servers: Vec<Process>,
    ports: Arc<Mutex<Vec<u16>>>,
    sender: Sender,
    /// Counts of servers that were killed since.
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
        let (servers, ports): (Vec<_>, Vec<_>) = (0..SERVERS).map(|_| server(&folder, &redis.url())).unzip();
        let ports = Arc::new(Mutex::new(ports));
        let sender = Sender::new(Arc::clone(&ports));
        let unmarked = Unmarked::default();
        let mut stage =
            Stage { effects, folder: folder.clone(), redis, servers, ports, sender: sender.clone(), double_runs: 0, faults: 0, unmarked };
        let began = Instant::now();
        let sending = tokio::spawn(async move { sender.send_all(deliveries).await });
        sleep(Duration::from_millis(250)).await;
        while !sending.is_finished() && (self.redis.is_some() || self.server.is_some()) {
            stage.apply(self.redis, self.server).await;
            sleep(pause(self.server)).await;
        }
        let (lost, longest) = sending.await.unwrap();
        let took = began.elapsed();
        let held = self.judge(&mut stage, deliveries, &lost, longest).await;
        drop(stage);
        let _ = std::fs::remove_dir_all(&folder);
        held.map(|summary| format!("{summary}, in {} s", took.as_secs()))
    }

    async fn judge(&self, stage: &mut Stage, deliveries: usize, lost: &[usize], longest: Duration) -> Result<String, String> {
        for server in 0..SERVERS {
            stage.double_runs += stage.sender.double_runs(server).await;
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
        if faults == 0 && (self.redis.is_some() || self.server.is_some()) {
            return fail("no fault was made");
        }
        if self.server == Some(ServerFault::Kill) && unmarked.certain == 0 {
            return fail("no handler was killed between its effect and its mark");
        }
        if !lost.is_empty() || runs.len() != deliveries {
            return fail("a delivery was lost");
        }
        if keyed != deliveries {
            return fail("an effect under its key did not happen exactly once");
        }
        if self.server == Some(ServerFault::StopPastLease) {
            // The second run is counted when the first ends.
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
        if self.server.is_none() && longest >= LEASE {
            return fail("a claim without an answer was not given back");
        }
        Ok(summary)
    }
}

impl Stage {
    /// Makes both faults at the same time, and ends both.
    async fn apply(&mut self, redis: Option<RedisFault>, server: Option<ServerFault>) {
        self.faults += 1;
        let place = self.faults % SERVERS;
        if server == Some(ServerFault::Kill) {
            self.effects.hold(&self.servers[place].id());
            // Its handlers come to their effect.
            sleep(Duration::from_millis(100)).await;
        }
        let no_mark_since = now();
        match redis {
            Some(RedisFault::Kill) => self.redis.kill(),
            Some(RedisFault::Stop) => self.redis.process().signal("STOP"),
            Some(RedisFault::Fill) => self.redis.set_maxmemory("1").await,
            None => {}
        }
        match server {
            Some(ServerFault::Kill) => {
                sleep(Duration::from_millis(fastrand::u64(..300))).await;
                self.kill(place, redis.map_or_else(now, |_| no_mark_since)).await;
            }
            Some(ServerFault::Stop | ServerFault::StopPastLease) => self.servers[place].signal("STOP"),
            None => {}
        }
        sleep(match (redis, server) {
            (_, Some(ServerFault::StopPastLease)) => LEASE + Duration::from_secs(2),
            (Some(RedisFault::Stop), _) | (_, Some(ServerFault::Stop)) => Duration::from_secs(3),
            (Some(RedisFault::Fill), _) => Duration::from_secs(2),
            (Some(RedisFault::Kill), _) => Duration::from_millis(500),
            (None, _) => Duration::ZERO,
        })
        .await;
        match redis {
            Some(RedisFault::Kill) => self.redis.restart().await,
            Some(RedisFault::Stop) => self.redis.process().signal("CONT"),
            Some(RedisFault::Fill) => self.redis.set_maxmemory("0").await,
            None => {}
        }
        match server {
            Some(ServerFault::Kill) => {
                let (process, port) = crate::processes::server(&self.folder, &self.redis.url());
                self.servers[place] = process;
                self.ports.lock().unwrap()[place] = port;
            }
            Some(ServerFault::Stop | ServerFault::StopPastLease) => self.servers[place].signal("CONT"),
            None => {}
        }
    }

    async fn kill(&mut self, place: usize, no_mark_since: u128) {
        self.double_runs += self.sender.double_runs(place).await;
        let process = self.servers[place].id();
        self.servers[place].kill();
        self.unmarked.add(self.effects.unmarked(&process, no_mark_since));
    }
}
