use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign_once_redis::redis;
use tokio::time::sleep;

/// A child process, killed at the end.
pub struct Process(Child);

impl Process {
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status().unwrap();
        assert!(status.success(), "kill -{name}");
    }

    /// Returns the id of the process as text.
    pub fn id(&self) -> String {
        self.0.id().to_string()
    }

    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Redis {
    process: Process,
    port: u16,
    fsync: &'static str,
    folder: PathBuf,
}

impl Redis {
    pub async fn start(folder: &Path, fsync: &'static str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let redis = Self { process: Self::spawn(folder, port, fsync), port, fsync, folder: folder.to_owned() };
        redis.wait().await;
        redis
    }

    fn spawn(folder: &Path, port: u16, fsync: &str) -> Process {
        let program = std::env::var_os("COUNTERSIGN_REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "yes", "--appendfsync", fsync]);
        let child = command.arg("--dir").arg(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Process(child.expect("redis-server is needed: apt-get install redis-server"))
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    async fn wait(&self) {
        for _ in 0..400 {
            if self.command(&["PING"]).await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(25)).await;
        }
        panic!("Redis does not start");
    }

    async fn command(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let mut connection = redis::Client::open(self.url())?.get_multiplexed_async_connection().await?;
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        command.query_async(&mut connection).await
    }

    pub async fn set_maxmemory(&self, bytes: &str) {
        self.command(&["CONFIG", "SET", "maxmemory", bytes]).await.unwrap();
    }

    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// Kills Redis. With `everysec`, Redis keeps writes in its memory while it syncs the file, and acknowledges them all the same. A kill
    /// would lose these writes, so Redis first writes everything, and then each command before its response.
    pub async fn kill(&mut self) {
        if self.fsync == "everysec" {
            self.command(&["CONFIG", "SET", "appendfsync", "no"]).await.unwrap();
        }
        self.process.kill();
    }

    pub async fn restart(&mut self) {
        self.process = Self::spawn(&self.folder, self.port, self.fsync);
        self.wait().await;
    }
}

/// Starts a receiver. Returns the process and its port.
pub fn start_receiver(folder: &Path, redis: &str, has_long_handlers: bool) -> (Process, u16) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("receiver").env("CHAOS_FOLDER", folder).env("REDIS_URL", redis).stdout(Stdio::piped());
    if has_long_handlers {
        command.env("CHAOS_LONG", "1");
    }
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Process(child), line.trim().parse().expect("a receiver does not start"))
}
