//! A receiver of Jira deliveries under actix-web, as one would deploy it.
//!
//! ```text
//! cargo run --example actix
//! ```
//!
//! | variable | |
//! |---|---|
//! | `JIRA_WEBHOOK_SECRET` | the secret that is set in Jira; without it a random one is made and printed |
//! | `JIRA_WEBHOOK_SECRET_OLD` | while the secret is being changed: the one before, accepted too |
//! | `PORT` | default 3000; 0 for any that is free |
//!
//! It listens on 127.0.0.1 alone: put a proxy that speaks HTTPS in front, or change the address. What is not the framework's stands in
//! `examples/receiver`, which all the receivers share.

use std::error::Error;
use std::process::ExitCode;

use actix_web::{App, HttpResponse, HttpServer, web};
use countersign::Verified;
use countersign_actix_web::Verify;
use receiver::{Event, Settings};

#[actix_web::main]
async fn main() -> ExitCode {
    receiver::run(serve()).await
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let settings = Settings::from_env()?;
    let verifier = settings.verifier.clone();

    // Made once for each worker thread.
    let app = move || {
        // actix-web's own limit of 2 MiB for `Json` would reject deliveries that are within Jira's 25 MB. `Bytes` and `String` have another,
        // of 256 KiB: `web::PayloadConfig`.
        let limit = web::JsonConfig::default().limit(verifier.body_limit());
        let jira = web::resource("/jira").app_data(limit).route(web::post().to(on_event));
        App::new()
            .service(jira.wrap(Verify::new(verifier.clone())))
            // Beside the resource that is wrapped, and so not covered.
            .route("/health", web::get().to(async || "up\n"))
    };

    let server = HttpServer::new(app).bind(settings.address).map_err(receiver::in_use(settings.address))?;
    let listening = server.addrs().first().copied().ok_or("no address")?;
    settings.print_curl(listening)?;
    // Ends at Ctrl-C and SIGTERM by itself.
    server.run().await?;
    Ok(())
}

/// Runs only for deliveries that were verified. Answers 200 at once: Jira waits for the answer, and repeats what it takes for failed.
async fn on_event(
    verified: web::ReqData<Verified>,
    event: Result<web::Json<Event>, actix_web::Error>,
) -> Result<HttpResponse, actix_web::Error> {
    // A body that is genuine but not what we expect is answered 400, which Jira does not repeat: it should not go unseen.
    let event = event.inspect_err(|error| eprintln!("verified, but not understood: {error}"))?;
    receiver::say(format_args!("{} (signed with key {})", *event, verified.key_id()));
    Ok(HttpResponse::Ok().finish())
}
