//! Three processes with one Redis, while servers and Redis are killed, stopped and filled.
//!
//! `cargo run --release` runs every scenario with 10,000 deliveries. `cargo run --release -- 1000` takes another number, and
//! `cargo run --release -- 1000 redis-killed` one scenario. The program needs `redis-server`.
//!
//! Each delivery is sent three times at once, to all three servers, and each of the three is repeated until 2xx. One handler in twenty fails.
//! Effects are counted in files, outside of the servers.
//!
//! | fault | what happens, again and again |
//! |---|---|
//! | `redis-killed` | Redis is killed, and started again after half a second |
//! | `redis-stopped` | Redis stands still for three seconds |
//! | `redis-full` | Redis refuses to write for two seconds |
//! | `server-killed` | a server is killed, with handlers between their effect and their mark, and started again |
//! | `server-stopped` | a server stands still for three seconds, shorter than the lease |
//! | `server-stopped-past-lease` | a server stands still for longer than the lease |
//!
//! A scenario is one fault, or two at the same time, such as `redis-stopped-server-killed`. Redis writes its file with `appendfsync everysec`;
//! where a name has `always`, and where both are killed, with `always`.
//!
//! What must hold:
//! - No delivery is lost.
//! - No two handlers run at the same time for one delivery, and no claim is taken from its owner. After a stop past the lease, each second run
//!   is counted by the guard.
//! - Each delivery has one run to success, and one more for each handler that was killed between its effect and its mark.
//! - An effect that is keyed by `claim.keys()` happens exactly once.
//! - While all servers live, no delivery waits for a lease.

mod effects;
mod processes;
mod scenario;
mod sender;
mod server;

use std::process::ExitCode;

use crate::scenario::{SCENARIOS, Scenario};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "server") {
        server::run().await;
        return ExitCode::SUCCESS;
    }
    let deliveries = arguments.first().map_or(Ok(10_000), |number| number.parse());
    let Ok(deliveries) = deliveries else {
        eprintln!("usage: chaos [deliveries] [scenario …]");
        return ExitCode::from(2);
    };
    let wanted = arguments.get(1..).unwrap_or_default();
    let chosen: Vec<&Scenario> =
        SCENARIOS.iter().filter(|scenario| wanted.is_empty() || wanted.iter().any(|name| name == scenario.name)).collect();
    if chosen.is_empty() {
        eprintln!("no such scenario: {}", SCENARIOS.map(|scenario| scenario.name).join(", "));
        return ExitCode::from(2);
    }
    let mut held = true;
    for scenario in chosen {
        match scenario.run(deliveries).await {
            Ok(summary) => println!("{:<30} held: {summary}", scenario.name),
            Err(fault) => {
                held = false;
                println!("{:<30} FAILED: {fault}", scenario.name);
            }
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
