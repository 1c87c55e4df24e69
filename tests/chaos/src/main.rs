//! Runs three receivers on one Redis. Kills and pauses receivers and Redis, and fills Redis, while deliveries arrive.
//!
//! `cargo run --release` runs every scenario with 10,000 deliveries each, for about 40 minutes. `cargo run --release -- 1000` sends 1,000
//! deliveries, and `cargo run --release -- 1000 redis-killed quiet` runs the named scenarios only. The program starts `redis-server`, or the
//! program in the variable `COUNTERSIGN_REDIS_SERVER`.
//!
//! Each delivery goes to all three receivers at once, and is repeated at each until 2xx. One handler in twenty fails, and where no receiver is
//! killed, one in 200 takes longer than the lease. Effects are counted in files, outside of the receivers.
//!
//! | fault | effect, repeated until the last delivery |
//! |---|---|
//! | `redis-killed` | Redis is killed, and started again |
//! | `redis-paused` | Redis is paused for three seconds |
//! | `redis-full` | Redis refuses to write for two seconds |
//! | `receiver-killed` | a receiver is killed, with handlers between their effect and their mark, and started again |
//! | `receiver-paused` | a receiver is paused for three seconds, shorter than the lease |
//! | `receiver-paused-past-lease` | a receiver is paused for longer than the lease |
//!
//! A scenario has no fault, one fault, or two at the same time, such as `redis-paused-receiver-killed`. Redis writes its file with
//! `appendfsync everysec`, or `always` where the name says so. With `everysec`, a kill during a sync loses acknowledged writes, and no guard can
//! help. So just before a kill, Redis is told to keep no write back.
//!
//! | rule | scenarios |
//! |---|---|
//! | no delivery is lost | all |
//! | an effect keyed by `claim.keys()` happens exactly once | all |
//! | no two handlers run at the same time for one delivery, and no claim is taken from its owner | all but `receiver-paused-past-lease` |
//! | each double run is counted by the guard | `receiver-paused-past-lease` |
//! | each handler killed between its effect and its mark leads to a double run, and nothing else does | all but `receiver-paused-past-lease` |
//! | no delivery waits for a lease | no receiver is killed or paused |
//! | a guard notices a fault of Redis | Redis has a fault |
//!
//! No guard counts a handler killed between its effect and its mark: nobody knows of the effect.

mod effects;
mod processes;
mod receiver;
mod scenario;
mod sender;

use std::process::ExitCode;

use crate::scenario::{SCENARIOS, Scenario};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "receiver") {
        receiver::run().await;
        return ExitCode::SUCCESS;
    }
    let deliveries = arguments.first().map_or(Ok(10_000), |number| number.parse());
    let Ok(deliveries) = deliveries else {
        eprintln!("usage: chaos [deliveries] [scenario …]");
        return ExitCode::from(2);
    };
    let wanted = arguments.get(1..).unwrap_or_default();
    if let Some(unknown) = wanted.iter().find(|name| SCENARIOS.iter().all(|scenario| scenario.name != **name)) {
        eprintln!("no scenario {unknown}; choose from: {}", SCENARIOS.map(|scenario| scenario.name).join(", "));
        return ExitCode::from(2);
    }
    let chosen: Vec<&Scenario> =
        SCENARIOS.iter().filter(|scenario| wanted.is_empty() || wanted.iter().any(|name| name == scenario.name)).collect();
    let mut held = true;
    for scenario in chosen {
        match scenario.run(deliveries).await {
            Ok(summary) => println!("{:<36} held: {summary}", scenario.name),
            Err(fault) => {
                held = false;
                println!("{:<36} FAILED: {fault}", scenario.name);
            }
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
