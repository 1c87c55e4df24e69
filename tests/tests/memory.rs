//! Tests of the memory use of bodies on real sockets, with a counting allocator. The clients run in the same process, and allocate next to
//! nothing, because the sent bytes are prepared before each measurement.

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

/// Serializes the tests, because the allocator counts the whole process.
fn exclusive() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Awaits `work`. Also returns the peak of allocated bytes above the level at the start.
async fn peak_of<T>(work: impl Future<Output = T>) -> (T, usize) {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let result = work.await;
    (result, MEMORY.peak_usage().saturating_sub(before))
}

fn head(body: &[u8], framing: &str) -> Vec<u8> {
    let (name, value) = signer(providers::JIRA).sign(body).remove(0);
    format!("POST /hook HTTP/1.1\r\nHost: h\r\n{name}: {value}\r\n{framing}\r\n\r\n").into()
}

fn verifier() -> Verifier {
    builder(providers::JIRA).build().unwrap()
}

/// Opens a connection, and awaits the first response. The server has then allocated the memory of the connection.
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
fn single_byte_chunks_cost_at_most_three_bytes_each() {
    let _exclusive = exclusive();
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
            // actix-web's extractor `Bytes` makes another copy.
            let most = if receiver.framework == "actix-web" { 6 } else { 3 };
            println!("{}: {} bytes for 100 bytes of body", receiver.framework, 100 * peak / LEN);
            // The additional MiB is for the connection.
            assert!(peak <= most * LEN + MIB, "{}: {peak} bytes for {LEN}", receiver.framework);
        }
    });
}

#[test]
fn content_length_without_a_body_allocates_next_to_nothing() {
    let _exclusive = exclusive();
    conformance::run(async {
        const CONNECTIONS: usize = 100;
        for receiver in Setup::new(verifier()).all().await {
            let mut streams = Vec::new();
            for _ in 0..CONNECTIONS {
                streams.push(warm(&receiver).await);
            }
            let request = head(b"", "Content-Length: 26214400");
            let ((), peak) = peak_of(async {
                // Separate writes create several chunks, and begin a body of several chunks.
                for part in [&request[..], b"x", b"x", b"x"] {
                    for stream in &mut streams {
                        stream.write_all(part).await.unwrap();
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            })
            .await;
            println!("{}: {} bytes for each connection", receiver.framework, peak / CONNECTIONS);
            assert!(peak <= CONNECTIONS * 64 * KIB, "{}: {} bytes for each connection", receiver.framework, peak / CONNECTIONS);
            assert_eq!(receiver.calls(), CONNECTIONS);
        }
        // No announced length causes a large allocation or an abort.
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

/// Memory of a server outside the budget: the read buffer of each connection. hyper's buffer grows to half a MiB for a fast client.
const OVERHEAD_A_CONNECTION: usize = 768 * KIB;

/// A kept body costs only its charged bytes. The server's read buffer is not kept with the body.
#[test]
fn kept_bodies_hold_no_read_buffer_and_stay_charged() {
    const BODIES: usize = 500;
    let _exclusive = exclusive();
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
            // Waits for the end of the last connection.
            tokio::time::sleep(Duration::from_millis(200)).await;
            let held = MEMORY.current_usage().saturating_sub(before);
            println!("{}: {} bytes for each body, {} charged", receiver.framework, held / BODIES, budget.used() / BODIES);
            // Under actix-web, the handler has a separate copy. actix-web allocates at least 8 KiB for this copy.
            let (most, charged) = if receiver.framework == "actix-web" { (10_000, 0) } else { (1000, BODIES * body.len()) };
            assert!(held <= BODIES * most, "{}: {held} bytes held", receiver.framework);
            assert_eq!(budget.used(), charged, "{}", receiver.framework);
            kept.lock().unwrap().clear();
            assert_eq!(budget.used(), 0, "{}", receiver.framework);
        }
    });
}

#[test]
fn memory_budget_holds_under_two_hundred_concurrent_uploads() {
    const UPLOADS: usize = 200;
    const BUDGET: usize = 32 * MIB;
    let _exclusive = exclusive();
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
            // Every seventh handler panics, with the body in memory.
            assert!(*count.lock().unwrap() % 7 != 0, "a deliberate panic of this test");
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
                        // Every tenth client disconnects in the middle.
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
                        // A panicking handler ends its connection.
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
            // The server may still be dropping the last deliveries.
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

/// A million tenants send deliveries, and a thousand tenants send again and again. The cache holds ten thousand tenants.
#[test]
fn cache_bounds_the_memory_of_a_million_tenants() {
    const TENANTS: usize = 1_000_000;
    const CAPACITY: usize = 10_000;
    const FREQUENT: usize = 1000;
    let _exclusive = exclusive();
    conformance::run(async {
        let lookups: Arc<[AtomicUsize]> = (0..TENANTS).map(|_| AtomicUsize::new(0)).collect();
        let count = Arc::clone(&lookups);
        let lookup = move |tenant: String| {
            let tenant: usize = tenant.parse().unwrap();
            count[tenant].fetch_add(1, Ordering::Relaxed);
            async move {
                // Other deliveries arrive during the lookup.
                tokio::task::yield_now().await;
                Ok::<_, std::io::Error>(is_known(tenant).then(|| [("k", Secret::new(format!("secret of {tenant}")))]))
            }
        };
        let tenants = Tenants::builder(Verifier::builder(providers::JIRA)).by_path("/{tenant}").time_to_live(Duration::from_secs(3600));
        let tenants = tenants.negative_ttl(Duration::from_secs(3600)).capacity(CAPACITY as u64).build(lookup).unwrap();
        let total = || lookups.iter().map(|count| count.load(Ordering::Relaxed)).sum::<usize>();
        let resolve = async |tenant: usize| {
            let head = ToTenant(format!("/{tenant}"));
            let before = lookups[tenant].load(Ordering::Relaxed);
            let (one, other) = tokio::join!(tenants.resolve(&head), tenants.resolve(&head));
            for found in [one, other] {
                assert_eq!(found.unwrap().is_some(), is_known(tenant), "{tenant}");
            }
            assert!(lookups[tenant].load(Ordering::Relaxed) - before <= 1, "{tenant}: one lookup for all waiting deliveries");
        };
        let mut peaks = Vec::new();
        for round in 0..10 {
            let ((), peak) = peak_of(async {
                for tenant in (round..TENANTS).step_by(10) {
                    resolve(tenant).await;
                    resolve(tenant / 10 % FREQUENT).await;
                }
            })
            .await;
            peaks.push(peak);
        }
        let cached = tenants.cached();
        println!(
            "{cached} cached, {} lookups, KiB above the previous round: {:?}",
            total(),
            peaks.iter().map(|peak| peak / KIB).collect::<Vec<_>>()
        );
        assert!(cached <= CAPACITY as u64, "{cached} cached");
        // Frequent tenants stay in the cache, after one lookup or a few lookups.
        let frequent: usize = lookups[..FREQUENT].iter().map(|count| count.load(Ordering::Relaxed)).sum();
        assert!((FREQUENT..2 * FREQUENT).contains(&frequent), "{frequent} lookups for {FREQUENT} frequent tenants");
        assert!(lookups.iter().all(|count| count.load(Ordering::Relaxed) >= 1));
        // The first round fills the cache. Later rounds add next to nothing.
        assert!(peaks[0] <= CAPACITY * 4 * KIB, "{} bytes for each cached tenant", peaks[0] / CAPACITY);
        for peak in &peaks[1..] {
            assert!(*peak <= 4 * MIB, "{peak} bytes above the previous round");
        }
    });
}

/// Returns `false` for every seventh tenant.
fn is_known(tenant: usize) -> bool {
    !tenant.is_multiple_of(7)
}

/// The head of a delivery with a well-formed signature.
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
