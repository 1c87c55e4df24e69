//! A receiver of Jira deliveries under actix-web, ready to deploy.
//!
//! ```text
//! cargo run --example actix
//! ```
//!
//! | variable | value |
//! |---|---|
//! | `JIRA_WEBHOOK_SECRET` | the secret set in Jira; if unset, the receiver makes and prints a random secret |
//! | `JIRA_WEBHOOK_SECRET_OLD` | the previous secret, also accepted; only during a rotation |
//! | `PORT` | the port, by default 3000; 0 for any free port |
//!
//! The receiver listens only on 127.0.0.1. Put an HTTPS proxy in front, or change the address. The
//! code shared by the receivers of all frameworks is in `examples/receiver`.

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

    // actix-web calls the closure once for each worker thread.
    let app = move || {
        // actix-web's own limit for `Json` is 2 MiB, and would reject deliveries within Jira's
        // 25 MB. `Bytes` and `String` have a limit of 256 KiB instead: see `web::PayloadConfig`.
        let limit = web::JsonConfig::default().limit(verifier.body_limit());
        let jira = web::resource("/jira").app_data(limit).route(web::post().to(on_event));
        App::new()
            .service(jira.wrap(Verify::new(verifier.clone())))
            // Needs no signature: the route is outside the wrapped resource.
            .route("/health", web::get().to(async || "up\n"))
    };

    let server = HttpServer::new(app).bind(settings.address).map_err(receiver::in_use(settings.address))?;
    let listening = server.addrs().first().copied().ok_or("no address")?;
    settings.print_curl(listening)?;
    // At SIGTERM, actix-web waits for running handlers, and at Ctrl-C it drops them.
    server.run().await?;
    Ok(())
}

/// Runs only for verified deliveries. Answers 200 at once: Jira waits for the response, and repeats
/// a delivery if the response is late.
async fn on_event(
    verified: web::ReqData<Verified>,
    event: Result<web::Json<Event>, actix_web::Error>,
) -> Result<HttpResponse, actix_web::Error> {
    // A verified body with unexpected content is answered 400. Jira does not repeat such a
    // delivery. Without this line, the delivery would be lost unseen.
    let event = event.inspect_err(|error| eprintln!("verified, but not understood: {error}"))?;
    receiver::say(format_args!("{} (signed with key {})", *event, verified.key_id()));
    Ok(HttpResponse::Ok().finish())
}
