use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign_once_redis::{RedisStore, redis};

/// A server in a separate folder. The drop kills the server, and removes the folder.
pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
    settings: Vec<String>,
}

impl Server {
    /// Starts a server, if the program is installed.
    pub(crate) fn start(name: &str) -> Option<Self> {
        Self::start_with(name, |_| Vec::new())
    }

    /// Starts a server with settings for its port.
    pub(crate) fn start_with(name: &str, settings: impl FnOnce(u16) -> Vec<String>) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("countersign-redis-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        let settings = settings(port);
        let Some(child) = spawn(port, &folder, &settings) else {
            assert!(std::env::var_os("COUNTERSIGN_NEEDS_REDIS").is_none(), "redis-server is not installed");
            // The test harness captures `println!`.
            let _ = writeln!(std::io::stderr(), "skipped: redis-server is not installed");
            std::fs::remove_dir_all(&folder).unwrap();
            return None;
        };
        Some(Self { child, port, folder, settings })
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Connects, once the server is up.
    pub(crate) async fn store(&self) -> RedisStore {
        self.wait().await;
        RedisStore::connect(&self.url(), "test:").await.unwrap()
    }

    /// Waits until the server answers.
    pub(crate) async fn wait(&self) {
        for _ in 0..400 {
            if self.try_command(&["PING"]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the server does not start");
    }

    pub(crate) async fn command(&self, words: &[&str]) -> redis::Value {
        self.try_command(words).await.unwrap()
    }

    async fn try_command(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        let mut connection = redis::Client::open(self.url())?.get_multiplexed_async_connection().await?;
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(*word);
        });
        command.query_async(&mut connection).await
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(status.success(), "kill -{name}");
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.port, &self.folder, &self.settings).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Returns a free port. Another process can take the port before the server does.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn spawn(port: u16, folder: &Path, settings: &[String]) -> Option<Child> {
    let program = std::env::var_os("COUNTERSIGN_REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let mut server = Command::new(program);
    // A sentinel needs a writable file, before all other arguments.
    if settings.first().is_some_and(|first| first == "--sentinel") {
        let file = folder.join("sentinel.conf");
        if !file.exists() {
            std::fs::write(&file, settings[1..].join("\n")).unwrap();
        }
        server.arg(file).arg("--sentinel");
    }
    server.args(["--bind", "127.0.0.1", "--port", &port.to_string()]).arg("--dir").arg(folder);
    if settings.first().is_none_or(|first| first != "--sentinel") {
        server.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]).args(settings);
    }
    server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}
