//! Requests a second over loopback. The cases take turns in rounds of one second.
//!
//! Each server has one thread, and the client has one thread. Each ratio compares with the bare handler of the same framework. The bare
//! handler receives the signed delivery.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::thread::spawn;

use ::axum::Router;
use ::warp::{Filter, Rejection, Reply};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer};
use countersign_actix_web::Verify as VerifyActix;
use countersign_warp::Verify as VerifyWarp;

use crate::delivery::{body, signature_of, verifier};
use crate::runtime::block_on;
use crate::table::{median, print_figures, take_turns};
use crate::{actix, axum, warp};

const SIZE: usize = 1024;
const ROUNDS: usize = 15;
const LOAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/end_to_end/load.lua");

pub fn run() {
    if Command::new("wrk").arg("-v").output().is_err() {
        eprintln!("`wrk`, the load generator, is missing: `apt-get install -y wrk`");
        std::process::exit(1);
    }
    let right = Some(signature_of(&body(SIZE)));
    let wrong = Some(signature_of(b"another body"));
    let cases: Vec<Case> = servers()
        .into_iter()
        .flat_map(|Servers { framework, bare, verified, by_hand }| {
            [
                ("bare handler", bare, &right, true),
                ("countersign", verified, &right, true),
                ("written by hand", by_hand, &right, true),
                ("countersign, rejected: wrong signature", verified, &wrong, false),
                ("countersign, rejected: no signature", verified, &None, false),
            ]
            .map(|(what, server, signature, accepted)| Case {
                name: format!("{framework}: {what}"),
                server,
                signature: signature.clone(),
                accepted,
            })
        })
        .collect();
    let rates = take_turns(ROUNDS, cases.iter().map(|case| || case.requests_a_second()).collect());
    // Each framework has five cases. The first case is the bare handler.
    let lines = cases.iter().zip(&rates).enumerate().map(|(place, (case, rate))| {
        let ratios = rate.iter().zip(&rates[place - place % 5]).map(|(rate, bare)| rate / bare);
        (case.name.clone(), vec![median(rate.clone()), median(ratios.collect())])
    });
    let headings = ["requests/s", "ratio to bare"];
    print_figures("Deliveries of 1 KiB over loopback, 16 connections kept open", &headings, &lines.collect::<Vec<_>>());
}

struct Case {
    name: String,
    server: SocketAddr,
    signature: Option<String>,
    accepted: bool,
}

impl Case {
    /// Sends requests for one second. The server must accept all requests, or reject all, as the case says.
    fn requests_a_second(&self) -> f64 {
        let mut load = Command::new("wrk");
        load.args(["-t1", "-c16", "-d1s", "-s", LOAD]).arg(format!("http://{}/hook", self.server)).arg("--").arg(SIZE.to_string());
        let output = load.args(&self.signature).output().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        let figure = |label: &str| {
            let line = output.lines().find_map(|line| line.trim().strip_prefix(label))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        assert!(!output.contains("Socket errors"), "{}: {output}", self.name);
        assert_eq!(figure("Non-2xx or 3xx responses:").is_none(), self.accepted, "{}: {output}", self.name);
        figure("Requests/sec:").unwrap()
    }
}

/// Serves one resource on one worker. This is a macro because the type of the resource has no name.
macro_rules! serve_actix {
    ($resource:expr) => {{
        let (listener, address) = listen();
        let server = move || HttpServer::new(|| App::new().service($resource)).workers(1).disable_signals().listen(listener).unwrap().run();
        spawn(move || actix_web::rt::System::new().block_on(async { server().await }));
        address
    }};
}

struct Servers {
    framework: &'static str,
    bare: SocketAddr,
    verified: SocketAddr,
    by_hand: SocketAddr,
}

fn servers() -> Vec<Servers> {
    vec![
        Servers {
            framework: "axum",
            bare: serve_axum(axum::bare()),
            verified: serve_axum(axum::verified()),
            by_hand: serve_axum(axum::by_hand()),
        },
        Servers {
            framework: "actix-web",
            bare: serve_actix!(actix::bare()),
            verified: serve_actix!(actix::bare().wrap(VerifyActix::new(verifier()))),
            by_hand: serve_actix!(actix::bare().wrap(from_fn(actix::verify_by_hand))),
        },
        Servers {
            framework: "warp",
            bare: serve_warp(warp::bare),
            verified: serve_warp(|| warp::verified(VerifyWarp::new(verifier()))),
            by_hand: serve_warp(warp::by_hand),
        },
    ]
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn serve_axum(router: Router) -> SocketAddr {
    let (listener, address) = listen();
    spawn(|| block_on(async { ::axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await }));
    address
}

fn serve_warp<F>(routes: fn() -> F) -> SocketAddr
where
    F: Filter<Extract: Reply, Error = Rejection> + Clone + Send + Sync + 'static,
{
    let (listener, address) = listen();
    spawn(move || {
        block_on(async { ::warp::serve(routes()).incoming(tokio::net::TcpListener::from_std(listener).unwrap()).run().await });
    });
    address
}
