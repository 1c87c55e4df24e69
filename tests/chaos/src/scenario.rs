use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::effects::{Effects, now};
use crate::processes::{Process, Redis, server};
use crate::sender::Sender;
use crate::server::LEASE;

pub struct Scenario {
    pub name: &'static str,
    fault: Fault,
    fsync: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    KillRedis,
    StopRedis,
    FillRedis,
    KillServer,
    StopServer,
    KillBoth,
    StopServerPastLease,
}

pub const SCENARIOS: [Scenario; 9] = [
    Scenario { name: "quiet", fault: Fault::None, fsync: "everysec" },
    Scenario { name: "redis-killed", fault: Fault::KillRedis, fsync: "everysec" },
    Scenario { name: "redis-killed-always", fault: Fault::KillRedis, fsync: "always" },
    Scenario { name: "redis-stopped", fault: Fault::StopRedis, fsync: "everysec" },
    Scenario { name: "redis-full", fault: Fault::FillRedis, fsync: "everysec" },
    Scenario { name: "server-killed", fault: Fault::KillServer, fsync: "everysec" },
    Scenario { name: "server-stopped", fault: Fault::StopServer, fsync: "everysec" },
    Scenario { name: "redis-and-server-killed", fault: Fault::KillBoth, fsync: "always" },
    Scenario { name: "server-stopped-past-lease", fault: Fault::StopServerPastLease, fsync: "everysec" },
];

const SERVERS: usize = 3;

/// The processes of one scenario.
struct Stage {
    folder: PathBuf,
    redis: Redis,
    servers: Vec<Process>,
    ports: Arc<Mutex<Vec<u16>>>,
    sender: Sender,
    /// Counts of servers that were killed since.
    double_runs: u64,
    faults: usize,
    /// The handlers that a killed server may have left between their effect and their mark.
    unmarked: usize,
}

impl Scenario {
    /// Returns a summary, or what did not hold.
    pub async fn run(&self, deliveries: usize) -> Result<String, String> {
        let folder = std::env::temp_dir().join(format!("countersign-chaos-{}-{}", self.name, std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let redis = Redis::start(&folder, self.fsync).await;
        let (servers, ports): (Vec<_>, Vec<_>) = (0..SERVERS).map(|_| server(&folder, &redis.url())).unzip();
        let ports = Arc::new(Mutex::new(ports));
        let sender = Sender::new(Arc::clone(&ports));
        let mut stage =
            Stage { folder: folder.clone(), redis, servers, ports, sender: sender.clone(), double_runs: 0, faults: 0, unmarked: 0 };
        let began = Instant::now();
        let sending = tokio::spawn(async move { sender.send_all(deliveries).await });
        while !sending.is_finished() {
            sleep(Duration::from_millis(500)).await;
            if !sending.is_finished() {
                stage.apply(self.fault).await;
            }
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
            stage.double_runs += stage.sender.counts(server).await.0;
        }
        let effects = Effects::new(&stage.folder);
        let (runs, keyed, overlaps) = (effects.count("effects"), effects.keyed(), effects.count("overlaps"));
        let extra: usize = runs.values().map(|count| count - 1).sum();
        let Stage { faults, unmarked, double_runs, .. } = *stage;
        let summary = format!(
            "{deliveries} deliveries, {faults} faults, {extra} second runs, {double_runs} counted, {unmarked} killed before the mark, {} overlaps, longest {} ms",
            overlaps.len(),
            longest.as_millis()
        );
        let fail = |what: &str| Err(format!("{what}: {summary}"));
        if !lost.is_empty() || runs.len() != deliveries {
            return fail("a delivery was lost");
        }
        if keyed != deliveries {
            return fail("an effect under its key did not happen exactly once");
        }
        if self.fault == Fault::StopServerPastLease {
            // The second run is counted when the first ends.
            return if u64::try_from(extra).unwrap() <= double_runs { Ok(summary) } else { fail("a second run was not counted") };
        }
        if !overlaps.is_empty() {
            return fail("two handlers ran at the same time");
        }
        if double_runs > 0 {
            return fail("a claim was taken from its owner");
        }
        if extra > unmarked {
            return fail("a delivery was handled twice");
        }
        if self.fault == Fault::StopRedis && longest >= LEASE {
            return fail("a claim without an answer was not given back");
        }
        Ok(summary)
    }
}

impl Stage {
    async fn apply(&mut self, fault: Fault) {
        self.faults += 1;
        match fault {
            Fault::None => self.faults = 0,
            Fault::KillRedis => {
                self.redis.kill();
                sleep(Duration::from_millis(500)).await;
                self.redis.restart().await;
            }
            Fault::StopRedis => {
                self.redis.process().signal("STOP");
                sleep(Duration::from_secs(3)).await;
                self.redis.process().signal("CONT");
            }
            Fault::FillRedis => {
                self.redis.set_maxmemory("1").await;
                sleep(Duration::from_secs(2)).await;
                self.redis.set_maxmemory("0").await;
            }
            Fault::KillServer => self.kill_server().await,
            Fault::StopServer => self.stop_server(Duration::from_secs(3)).await,
            Fault::KillBoth => {
                self.redis.kill();
                self.kill_server_only().await;
                sleep(Duration::from_millis(300)).await;
                self.redis.restart().await;
                self.start_server();
            }
            Fault::StopServerPastLease => self.stop_server(LEASE + Duration::from_secs(2)).await,
        }
    }

    async fn kill_server(&mut self) {
        self.kill_server_only().await;
        self.start_server();
    }

    /// Kills the server in turn.
    async fn kill_server_only(&mut self) {
        let server = self.faults % SERVERS;
        self.double_runs += self.sender.counts(server).await.0;
        let process = self.servers[server].id();
        let killed_at = now();
        self.servers[server].kill();
        self.unmarked += Effects::new(&self.folder).unmarked(&process, killed_at);
    }

    fn start_server(&mut self) {
        let place = self.faults % SERVERS;
        let (process, port) = server(&self.folder, &self.redis.url());
        self.servers[place] = process;
        self.ports.lock().unwrap()[place] = port;
    }

    async fn stop_server(&self, time: Duration) {
        let server = &self.servers[self.faults % SERVERS];
        server.signal("STOP");
        sleep(time).await;
        server.signal("CONT");
        // The handlers go on.
        sleep(Duration::from_millis(500)).await;
    }
}
