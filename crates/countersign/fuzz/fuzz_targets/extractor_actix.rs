//! HTTP/1, as raw bytes or as a list of requests, for a handler with the extractor, under actix-web's own dispatcher.
#![no_main]

use std::pin::Pin;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive};
use actix_service::{IntoServiceFactory as _, Service, ServiceFactory as _, map_config};
use actix_web::dev::AppConfig;
use actix_web::{App, HttpRequest, web};
use countersign_actix_web::{Delivery, Verify};
use countersign_fuzz::pipe::Pipe;
use countersign_fuzz::receiver::{self, Pipelining};
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
    tasks.block_on(runtime, receiver::judge(input, Pipelining::Never, serve));
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
    // actix-web updates the date every half second. Short timeouts let fewer half seconds pass.
    let second = Duration::from_secs(1);
    let server = HttpService::build()
        .keep_alive(KeepAlive::Timeout(second))
        .client_request_timeout(second)
        .h1(app)
        .new_service(())
        .await
        .expect("the server starts");
    Box::new(move |pipe| {
        let served = server.call((pipe, None));
        Box::pin(async {
            // An error is expected: the client breaks some connections on purpose.
            let _ = served.await;
        })
    })
}

async fn handle(request: HttpRequest, delivery: Delivery) -> String {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    receiver::handle(headers, &delivery.body, &delivery.verified)
}
