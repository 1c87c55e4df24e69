//! The smallest receiver of Jira deliveries under actix-web.

use std::error::Error;
use std::process::ExitCode;

use actix_web::{App, HttpResponse, HttpServer, web};
use countersign::{ConfigError, Secret, Verified, Verifier, providers};
use countersign_actix_web::Verify;
use serde::Deserialize;

#[actix_web::main]
async fn main() -> ExitCode {
    // Rejections are `tracing` events. Without a subscriber, nobody sees the cause.
    tracing_subscriber::fmt().init();
    let serve = async {
        let verifier = verifier(Secret::from_env("JIRA_WEBHOOK_SECRET")?)?;
        let app = move || App::new().configure(routes(&verifier));
        let server = HttpServer::new(app).bind("127.0.0.1:3000")?;
        for address in server.addrs() {
            println!("listening on http://{address}/jira");
        }
        Ok::<_, Box<dyn Error>>(server.run().await?)
    };
    match serve.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn verifier(secret: Secret) -> Result<Verifier, ConfigError> {
    Verifier::builder(providers::JIRA).key("2026-11", secret).hints().build()
}

pub(crate) fn routes(verifier: &Verifier) -> impl FnOnce(&mut web::ServiceConfig) {
    // actix-web's own limit for `Json` is 2 MiB. Jira is said to send up to 25 MB.
    let limit = web::JsonConfig::default().limit(verifier.body_limit());
    let verify = Verify::new(verifier.clone());
    let jira = web::resource("/jira").app_data(limit).route(web::post().to(on_event)).wrap(verify);
    |config| {
        config.service(jira);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    webhook_event: String,
}

/// Runs for verified deliveries only.
async fn on_event(verified: web::ReqData<Verified>, event: web::Json<Event>) -> HttpResponse {
    println!("{} signed with key {}", event.webhook_event, verified.key_id());
    HttpResponse::Ok().finish()
}
