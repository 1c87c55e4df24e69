//! How much memory bodies take, on real sockets, by an allocator that counts. The clients run in this process too, and take next to nothing:
//! what they send lies ready.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conformance::receiver::{Receiver, Setup, try_read_head};
use conformance::vectors::{builder, signer};
use countersign::adapter::HeaderIndex;
use countersign::tenant::Resolver as _;
use countersign::{MemoryBudget, RequestHead, Secret, Verifier, providers};
use countersign_tenants::Tenants;
use peak_alloc::PeakAlloc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// One at a time: what another test takes would be counted too.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much more than before was in use at the worst moment.
async fn peak_of<T>(what: impl Future<Output = T>) -> (T, usize) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let result = what.await;
    (result, MEMORY.peak_usage().saturating_sub(before))
}

fn head(body: &[u8], framing: &str) -> Vec<u8> {
    let (name, value) = signer(providers::JIRA).sign(body).remove(0);
    format!("POST /hook HTTP/1.1\r\nHost: h\r\n{name}: {value}\r\n{framing}\r\n\r\n").into()
}

fn verifier() -> Verifier {
    builder(providers::JIRA).build().unwrap()
}

/// A connection that is open and has answered, so that what a server takes for it is there already.
async fn warm(receiver: &Receiver) -> tokio::net::TcpStream {
    let mut stream = receiver.connect().await;
    stream.write_all(&[&head(b"x", "Content-Length: 1")[..], b"x"].concat()).await.unwrap();
    let mut answer = [0; 1000];
    while !String::from_utf8_lossy(&answer).contains("1 bytes by main") {
        assert!(stream.read(&mut answer).await.unwrap() > 0);
    }
    stream
}

#[test]
fn single_bytes_cost_three_times_their_number_at_most() {
    let _alone = alone();
    conformance::run(async {
        const LEN: usize = 2 * MIB;
        let body = vec![b'x'; LEN];
        let request = [&head(&body, "Transfer-Encoding: chunked")[..], &b"1\r\nx\r\n".repeat(LEN), b"0\r\n\r\n"].concat();
        for receiver in Setup::new(verifier()).all().await {
            let mut stream = warm(&receiver).await;
            let (answer, peak) = peak_of(async {
                stream.write_all(&request).await.unwrap();
                try_read_head(&mut stream).await.unwrap()
            })
            .await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{}: {answer}", receiver.framework);
            // actix-web's `Bytes` makes a copy of its own.
            let most = if receiver.framework == "actix-web" { 6 } else { 3 };
            println!("{}: {} bytes for a hundred", receiver.framework, 100 * peak / LEN);
            // And what a connection takes anyway.
            assert!(peak <= most * LEN + MIB, "{}: {peak} bytes for {LEN}", receiver.framework);
        }
    });
}

#[test]
fn an_announcement_without_a_body_costs_next_to_nothing() {
    let _alone = alone();
    conformance::run(async {
        const CONNECTIONS: usize = 100;
        for receiver in Setup::new(verifier()).all().await {
            let mut streams = Vec::new();
            for _ in 0..CONNECTIONS {
                streams.push(warm(&receiver).await);
            }
            let request = head(b"", "Content-Length: 26214400");
            let ((), peak) = peak_of(async {
                // In chunks of their own, so that a body of several is begun.
                for part in [&request[..], b"x", b"x", b"x"] {
                    for stream in &mut streams {
                        stream.write_all(part).await.unwrap();
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            })
            .await;
            println!("{}: {} bytes for each", receiver.framework, peak / CONNECTIONS);
            assert!(peak <= CONNECTIONS * 64 * KIB, "{}: {} bytes for each", receiver.framework, peak / CONNECTIONS);
            assert_eq!(receiver.calls(), CONNECTIONS);
        }
        // Whatever the number, nothing is allocated for it, and nothing aborts.
        for receiver in Setup::new(builder(providers::JIRA).body_limit(usize::MAX).build().unwrap()).all().await {
            for length in [i64::MAX.to_string(), (usize::MAX / 2).to_string(), "9000000000000000000".into(), "1099511627776".into()] {
                let mut stream = receiver.connect().await;
                let ((), peak) = peak_of(async {
                    for part in [&head(b"", &format!("Content-Length: {length}"))[..], b"xx", b"yy", b"zz"] {
                        stream.write_all(part).await.unwrap();
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                })
                .await;
                assert!(peak <= 128 * KIB, "{}: {peak} bytes for {length}", receiver.framework);
            }
            warm(&receiver).await;
        }
    });
}

/// What a server takes beside the budget: for each connection its read buffer, which hyper lets grow to half a MiB while a client is fast.
const OVERHEAD_A_CONNECTION: usize = 768 * KIB;

/// What a handler keeps is what is charged, however large the buffer was that a server had read it into.
#[test]
fn small_bodies_that_are_kept_cost_what_they_are_charged() {
    const BODIES: usize = 500;
    let _alone = alone();
    conformance::run(async {
        let budget = MemoryBudget::new(MIB);
        let verifier = builder(providers::JIRA).memory_budget(budget.clone()).build().unwrap();
        let kept: Arc<Mutex<Vec<bytes::Bytes>>> = Arc::default();
        let keep = Arc::clone(&kept);
        let body = [b'x'; 100];
        let request = [&head(&body, "Content-Length: 100")[..], &body].concat();
        for receiver in Setup::new(verifier).on_body(move |body| keep.lock().unwrap().push(body)).all().await {
            kept.lock().unwrap().reserve(BODIES);
            let before = MEMORY.current_usage();
            for _ in 0..BODIES {
                let mut stream = receiver.connect().await;
                stream.write_all(&request).await.unwrap();
                try_read_head(&mut stream).await.unwrap();
            }
            // Until the last connection is gone.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let held = MEMORY.current_usage().saturating_sub(before);
            println!("{}: {} bytes for each, {} charged", receiver.framework, held / BODIES, budget.used() / BODIES);
            // Under actix-web the handler has a copy of its own, for which actix-web takes 8 KiB at least.
            let (most, charged) = if receiver.framework == "actix-web" { (10_000, 0) } else { (1000, BODIES * body.len()) };
            assert!(held <= BODIES * most, "{}: {held} bytes held", receiver.framework);
            assert_eq!(budget.used(), charged, "{}", receiver.framework);
            kept.lock().unwrap().clear();
            assert_eq!(budget.used(), 0, "{}", receiver.framework);
        }
    });
}

#[test]
fn a_budget_holds_under_two_hundred_uploads_at_once() {
    const UPLOADS: usize = 200;
    const BUDGET: usize = 32 * MIB;
    let _alone = alone();
    rlimit::increase_nofile_limit(4096).unwrap();
    conformance::run(async {
        let body: Arc<[u8]> = (0..=250).cycle().take(MIB).collect::<Vec<u8>>().into();
        let request_head: Arc<[u8]> = head(&body, &format!("Content-Length: {MIB}")).into();
        let budget = MemoryBudget::new(BUDGET);
        let verifier = builder(providers::JIRA).memory_budget(budget.clone()).build().unwrap();
        let (expected, whole) = (Arc::clone(&body), Arc::new(Mutex::new(0)));
        let count = Arc::clone(&whole);
        let setup = Setup::new(verifier).on_body(move |received| {
            assert!(received[..] == expected[..], "every accepted body is intact");
            *count.lock().unwrap() += 1;
            // Some handlers panic, while they hold the body.
            assert!(*count.lock().unwrap() % 7 != 0, "a handler that panics on purpose");
        });
        for receiver in setup.all().await {
            *whole.lock().unwrap() = 0;
            let uploads = async {
                let mut clients = tokio::task::JoinSet::new();
                for place in 0..UPLOADS {
                    let (receiver, body, request_head) = (receiver.clone(), Arc::clone(&body), Arc::clone(&request_head));
                    clients.spawn(async move {
                        let mut stream = receiver.connect().await;
                        stream.write_all(&request_head).await.unwrap();
                        // Some go away in the middle.
                        let sent = if place % 10 == 0 { &body[..MIB / 2] } else { &body[..] };
                        let half = sent.len() / 2;
                        let _ = stream.write_all(&sent[..half]).await;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        let _ = stream.write_all(&sent[half..]).await;
                        if place % 10 == 0 { None } else { try_read_head(&mut stream).await }
                    });
                }
                let (mut accepted, mut rejected) = (0, 0);
                while let Some(answer) = clients.join_next().await {
                    match answer.unwrap() {
                        Some(answer) if answer.starts_with("HTTP/1.1 200 ") => accepted += 1,
                        Some(answer) if answer.starts_with("HTTP/1.1 503 ") => {
                            assert!(answer.to_lowercase().contains("retry-after: "), "{answer}");
                            rejected += 1;
                        }
                        // A handler that panicked takes its connection with it.
                        None => {}
                        Some(answer) => panic!("{}: {answer}", receiver.framework),
                    }
                }
                (accepted, rejected)
            };
            let ((accepted, rejected), peak) = peak_of(uploads).await;
            println!("{}: {accepted} accepted, {rejected} rejected, {} MiB", receiver.framework, peak / MIB);
            assert!(accepted >= 10 && rejected >= 20, "{}: {accepted} accepted, {rejected} rejected", receiver.framework);
            assert!(peak <= BUDGET + UPLOADS * OVERHEAD_A_CONNECTION, "{}: {} MiB", receiver.framework, peak / MIB);
            // The last of them are still being dropped.
            for _ in 0..100 {
                if budget.used() == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(budget.used(), 0, "{}", receiver.framework);
            assert_eq!(receiver.calls(), *whole.lock().unwrap(), "{}", receiver.framework);
        }
    });
}

/// A million tenants come by, and come again, in a cache that holds ten thousand.
#[test]
fn a_million_tenants_take_no_more_than_those_who_are_held() {
    const TENANTS: usize = 1_000_000;
    const HELD: usize = 10_000;
    const HOT: usize = 1000;
    let _alone = alone();
    conformance::run(async {
        let asked: Arc<[AtomicUsize]> = (0..TENANTS).map(|_| AtomicUsize::new(0)).collect();
        let count = Arc::clone(&asked);
        let ask = move |tenant: String| {
            let tenant: usize = tenant.parse().unwrap();
            count[tenant].fetch_add(1, Ordering::Relaxed);
            async move {
                // Others come meanwhile.
                tokio::task::yield_now().await;
                Ok::<_, std::io::Error>(is_known(tenant).then(|| [("k", Secret::new(format!("secret of {tenant}")))]))
            }
        };
        let tenants = Tenants::builder(Verifier::builder(providers::JIRA)).by_path("/{tenant}").time_to_live(Duration::from_secs(3600));
        let tenants = tenants.negative_ttl(Duration::from_secs(3600)).capacity(HELD as u64).build(ask).unwrap();
        let total = || asked.iter().map(|asked| asked.load(Ordering::Relaxed)).sum::<usize>();
        let meet = async |tenant: usize| {
            let head = ToTenant(format!("/{tenant}"));
            let before = asked[tenant].load(Ordering::Relaxed);
            let (one, other) = tokio::join!(tenants.resolve(&head), tenants.resolve(&head));
            for found in [one, other] {
                assert_eq!(found.unwrap().is_some(), is_known(tenant), "{tenant}");
            }
            assert!(asked[tenant].load(Ordering::Relaxed) - before <= 1, "{tenant}: one lookup, however many wait");
        };
        let mut peaks = Vec::new();
        for round in 0..10 {
            let ((), peak) = peak_of(async {
                for tenant in (round..TENANTS).step_by(10) {
                    meet(tenant).await;
                    meet(tenant / 10 % HOT).await;
                }
            })
            .await;
            peaks.push(peak);
        }
        let held = tenants.cached();
        println!(
            "{held} held, {} lookups, KiB beyond the round before: {:?}",
            total(),
            peaks.iter().map(|peak| peak / KIB).collect::<Vec<_>>()
        );
        assert!(held <= HELD as u64, "{held} held");
        // Whoever comes often is held: looked up once, or a few times until that was noticed.
        let hot: usize = asked[..HOT].iter().map(|asked| asked.load(Ordering::Relaxed)).sum();
        assert!((HOT..2 * HOT).contains(&hot), "{hot} lookups for those who come often");
        assert!(asked.iter().all(|asked| asked.load(Ordering::Relaxed) >= 1));
        // The first round fills the cache, and no round after it adds to that.
        assert!(peaks[0] <= HELD * 4 * KIB, "{} bytes for each that is held", peaks[0] / HELD);
        for peak in &peaks[1..] {
            assert!(*peak <= 4 * MIB, "{peak} bytes more");
        }
    });
}

/// All but every seventh.
fn is_known(tenant: usize) -> bool {
    !tenant.is_multiple_of(7)
}

/// The head of a delivery whose signature is well-formed.
struct ToTenant(String);

impl RequestHead for ToTenant {
    fn method(&self) -> &'static str {
        "POST"
    }

    fn target(&self) -> &str {
        &self.0
    }

    fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
        index.extend([("x-hub-signature", &b"sha256=0000000000000000000000000000000000000000000000000000000000000000"[..])]);
    }
}
