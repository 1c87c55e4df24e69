//! Raw HTTP/1 into a receiver under actix-web's own dispatcher, whose handler takes the extractor.
#![no_main]

use std::pin::Pin;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive};
use actix_service::{IntoServiceFactory as _, Service, ServiceFactory as _, map_config};
use actix_web::dev::AppConfig;
use actix_web::{App, HttpRequest, web};
use countersign_actix_web::{Delivery, Verify};
use countersign_fuzz::pipe::Pipe;
use countersign_fuzz::receiver::{self, Patience};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

type Serve = Box<dyn Fn(Pipe) -> Pin<Box<dyn Future<Output = ()>>>>;

thread_local! {
    static RUNTIME: &'static (Runtime, LocalSet) = receiver::runtime();
    static SERVER: &'static Serve = RUNTIME.with(|(runtime, tasks)| Box::leak(Box::new(tasks.block_on(runtime, server_of_app()))));
}

fuzz_target!(|input: &[u8]| RUNTIME.with(|(runtime, tasks)| {
    let serve = SERVER.with(|serve| *serve);
    tasks.block_on(runtime, receiver::judge(input, Patience::All, serve));
}));

async fn server_of_app() -> Serve {
    let app = App::new().app_data(Verify::new(receiver::verifier())).default_service(web::to(handle)).wrap_fn(|request, service| {
        receiver::begin(request.method().as_str());
        let answer = service.call(request);
        async {
            let answer = answer.await;
            receiver::end();
            answer
        }
    });
    let app = map_config(app.into_factory(), |()| AppConfig::default());
    // The fewer half seconds pass, the less often actix-web writes the date anew.
    let second = Duration::from_secs(1);
    let server = HttpService::build()
        .keep_alive(KeepAlive::Timeout(second))
        .client_request_timeout(second)
        .h1(app)
        .new_service(())
        .await
        .expect("a server");
    Box::new(move |pipe| {
        let served = server.call((pipe, None));
        Box::pin(async {
            // A connection that is broken on purpose ends in an error.
            let _ = served.await;
        })
    })
}

async fn handle(request: HttpRequest, delivery: Delivery) -> String {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    receiver::handle(headers, &delivery.body, &delivery.verified)
}
