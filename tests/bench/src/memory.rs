//! Peak heap of a delivery, and the time from its last byte to the response.
//!
//! The heap includes the whole application in process: the request, the handler and the data of the adapter. Each chunk has its own memory,
//! so an adapter that keeps a chunk keeps this memory.

use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;

use crate::application::{Answer, Application};
use crate::delivery::{SIGNATURE, body, signature_of};
use crate::runtime::block_on;
use crate::table::{exact, median, print_figures, take_turns};
use crate::upload::Upload;

const AT_ONCE: u32 = 1000;
const CHUNK: usize = 16 * 1024;
const MIB: usize = 1024 * 1024;
const ROUNDS: usize = 31;

pub fn run() {
    let applications = Application::all();
    let names = || applications.iter().map(|application| application.name.to_owned());

    let (whole, announced) = (Delivery::of(256 * 1024), Delivery::of(25_000_000));
    let small = Delivery::of(2 * MIB);
    let peaks = applications.iter().map(|application| {
        let half_way = whole.body.len() / 2;
        vec![
            peak_of_many(application, &whole, half_way) / exact(half_way as u64),
            peak_to_the_end(application, &small) / exact(small.body.len() as u64),
            peak_of_many(application, &announced, 0),
        ]
    });
    print_figures(
        "Peak heap: 1,000 bodies of 256 KiB half-way; 2 MiB in chunks of one byte; 1,000 announced bodies of 25 MB, no byte sent",
        &["half-way, per byte", "byte chunks, per byte", "announced, bytes"],
        &names().zip(peaks).collect::<Vec<_>>(),
    );

    let sizes = [MIB, 10 * MIB].map(Delivery::of);
    let waits = sizes.iter().map(|delivery| {
        let samples = applications.iter().map(|application| || microseconds_after_the_last_byte(application, delivery));
        take_turns(ROUNDS, samples.collect()).into_iter().map(median).collect::<Vec<_>>()
    });
    let waits: Vec<_> = waits.collect();
    let lines = names().enumerate().map(|(place, name)| (name, waits.iter().map(|wait| wait[place]).collect()));
    print_figures("From the last byte to the response, chunks of 16 KiB", &["1 MiB, µs", "10 MiB, µs"], &lines.collect::<Vec<_>>());
}

struct Delivery {
    body: Bytes,
    headers: HeaderMap,
}

impl Delivery {
    fn of(size: usize) -> Self {
        let body = body(size);
        let headers = HeaderMap::from_iter([(SIGNATURE.parse().unwrap(), signature_of(&body).parse().unwrap())]);
        Self { body, headers }
    }
}

/// Returns the peak heap in bytes for each of many uploads. Each upload waits after `sent` bytes.
fn peak_of_many(application: &Application, delivery: &Delivery, sent: usize) -> f64 {
    let send = || application.send(&delivery.headers, Upload::in_chunks(delivery.body.clone(), CHUNK).halting_at(sent));
    let count = allocation_counter::measure(|| {
        let mut answers: Vec<Answer> = (0..AT_ONCE).map(|_| send()).collect();
        block_on(std::future::poll_fn(|context| {
            for answer in &mut answers {
                assert!(answer.as_mut().poll(context).is_pending());
            }
            Poll::Ready(())
        }));
    });
    exact(count.bytes_max) / f64::from(AT_ONCE)
}

fn peak_to_the_end(application: &Application, delivery: &Delivery) -> f64 {
    let count = allocation_counter::measure(|| {
        let upload = Upload::in_chunks(delivery.body.clone(), 1);
        assert_eq!(block_on(application.send(&delivery.headers, upload)), 200);
    });
    exact(count.bytes_max)
}

fn microseconds_after_the_last_byte(application: &Application, delivery: &Delivery) -> f64 {
    let upload = Upload::in_chunks(delivery.body.clone(), CHUNK);
    let ended = upload.ended();
    assert_eq!(block_on(application.send(&delivery.headers, upload)), 200);
    ended.get().unwrap().elapsed().as_secs_f64() * 1e6
}
