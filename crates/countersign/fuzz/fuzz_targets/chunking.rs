//! A body may be divided on the way as it likes: the verdict, the body that is handed out, and what limit and budget say are those of the
//! whole in one.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf as _, Bytes};
use countersign::adapter::Intake;
use countersign::scheme::Scheme;
use countersign::{Deadline, MemoryBudget, RejectionKind, Secret, Signer, Verifier, providers};
use countersign_fuzz::choices::Choices;
use libfuzzer_sys::fuzz_target;

/// What is signed around the body: nothing, a text in front of it, a text behind it, and not even the body.
const SCHEMES: [Scheme; 4] = [providers::JIRA, providers::STRIPE, providers::BOX, providers::GITLAB_TOKEN];

const MAX_CHUNKS: usize = 64;
const MAX_BODY: usize = 68 * 1024;

/// No two pieces of it are alike, so that none can be lost or change places unseen.
static BYTES: LazyLock<Bytes> =
    LazyLock::new(|| (0..MAX_BODY as u32 / 4).flat_map(|place| place.wrapping_mul(0x9e37_79b1).to_be_bytes()).collect());

static SIGNERS: LazyLock<Vec<Signer>> = LazyLock::new(|| SCHEMES.map(|scheme| Signer::new(scheme, secret()).unwrap()).to_vec());

fn secret() -> Secret {
    Secret::new("It's a Secret to Everybody")
}

fuzz_target!(|input: &[u8]| {
    let mut choices = Choices::new(input);
    let place = choices.below(SCHEMES.len());
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_541_400);
    let budget = choices.flag().then(|| MemoryBudget::new(choices.size()));
    let limit = choices.size().max(1);
    let mut builder = Verifier::builder(SCHEMES[place]).key("main", secret()).body_limit(limit);
    if choices.rarely(|_| ()).is_some() {
        builder = builder.key("other", Secret::new("other"));
    }
    if let Some(budget) = &budget {
        builder = builder.memory_budget(budget.clone());
    }
    let verifier = builder.build().unwrap();
    let whole = budget.as_ref().map_or(limit, |budget| budget.bytes().min(limit));

    // The signature is of a body that may be shorter or longer by a byte; the body itself is then whatever comes.
    let off = choices.of(&[0isize, 0, 0, 0, 0, 0, 1, -1]);
    let announcement = choices.of(&[0u8, 0, 1, 2, 3, 4]);
    let announced = choices.size();
    let others = choices.size();
    let deadline = choices.rarely(|choices| Duration::from_secs(choices.byte().into()));
    let mut chunks = Vec::new();
    let mut len = 0;
    while !choices.is_empty() && chunks.len() < MAX_CHUNKS {
        let chunk = Chunk { how: choices.below(4), start: len, end: (len + choices.size()).min(MAX_BODY), pause: choices.byte() };
        len = chunk.end;
        chunks.push(chunk);
    }
    let body = BYTES.slice(..len);
    let signed = len.saturating_add_signed(off).min(MAX_BODY);
    let mut head = SIGNERS[place].sign_as("id", &BYTES[..signed], now);
    let announced = match announcement {
        0 => None,
        1 => Some(len),
        2 => Some(announced),
        3 => Some(len.saturating_sub(1)),
        _ => Some(len + 1),
    };
    let unannounced = head.clone();
    head.extend(announced.map(|len| ("Content-Length".into(), len.to_string())));
    let announced = announced.unwrap_or(0);

    let expected = verifier.verify_at(&head, &body, now);
    assert_eq!(expected.is_ok(), signed == len || !SCHEMES[place].covers_body());
    let expected = expected.map(|verified| format!("{verified:?}")).map_err(|rejection| rejection.kind());

    // By a check, which keeps nothing and has no limit.
    let mut check = verifier.begin_at(&head, now).unwrap();
    chunks.iter().for_each(|chunk| check.update(&BYTES[chunk.start..chunk.end]));
    assert_eq!(check.finish().map(|verified| format!("{verified:?}")).map_err(|rejection| rejection.kind()), expected);

    // By an intake, beside another delivery that has taken some of the budget.
    let in_flight = || budget.as_ref().map_or(0, MemoryBudget::used);
    let most = budget.as_ref().map_or(usize::MAX, MemoryBudget::bytes);
    let mut other = verifier.intake_at(&unannounced, now).unwrap();
    let beside = match other.push(BYTES.slice(..others)) {
        Ok(()) => {
            if budget.is_some() {
                others
            } else {
                0
            }
        }
        Err(rejection) => {
            assert_eq!((rejection.kind(), others > whole), (RejectionKind::BodyTooLarge, true));
            0
        }
    };
    assert_eq!(in_flight(), beside);

    let rejected = if announced > whole {
        Some(RejectionKind::BodyTooLarge)
    } else {
        (announced > most - beside).then_some(RejectionKind::BudgetExhausted)
    };
    let intake = verifier.intake_at(&head, now);
    assert_eq!(intake.as_ref().err().map(countersign::Rejection::kind), rejected);
    if let Ok(mut intake) = intake {
        let started = Instant::now();
        intake.set_deadline(deadline.map(Deadline::new));
        let (mut waited, mut first_wait, mut rejected) = (Duration::ZERO, None, None);
        for chunk in &chunks {
            if chunk.pause >= 0xf0 {
                waited += Duration::from_secs(u64::from(chunk.pause & 15) * 10);
                let since = *first_wait.get_or_insert(waited);
                if let Some(within) = deadline {
                    rejected = rejected.or((waited - since >= within).then_some(RejectionKind::BodyTimeout));
                }
                let wait = intake.wait(|| started + waited);
                let due = deadline.map(|within| started + since + within);
                match rejected {
                    Some(kind) => assert_eq!(wait.unwrap_err().kind(), kind),
                    None => assert_eq!(wait.unwrap(), due),
                }
            }
            if rejected.is_none() {
                rejected = if chunk.end > whole {
                    Some(RejectionKind::BodyTooLarge)
                } else {
                    (chunk.end > most - beside).then_some(RejectionKind::BudgetExhausted)
                };
            }
            let pushed = chunk.push(&mut intake);
            assert_eq!(pushed.err().map(|rejection| rejection.kind()), rejected, "{chunk:?} of {len}, {whole}, {most}, {beside}");
            match rejected {
                Some(_) => assert_eq!(in_flight(), beside, "what was kept is dropped"),
                // With a budget, what is allocated is charged: what has come, and no more than as much again.
                None if budget.is_some() => assert!((chunk.end..=2 * chunk.end).contains(&(in_flight() - beside))),
                None => {}
            }
        }
        let finished = intake.finish();
        match (rejected, finished) {
            (Some(kind), finished) => assert_eq!(finished.unwrap_err().kind(), kind),
            (None, Ok((verified, received))) => {
                assert_eq!(Ok(format!("{verified:?}")), expected);
                assert!(received == body);
                if budget.is_some() {
                    assert!(in_flight() - beside >= len);
                    let piece = received.slice(len / 2..);
                    drop(received);
                    assert!(in_flight() - beside >= len, "it is charged as long as there is a handle on a piece of it");
                    drop(piece);
                }
            }
            (None, Err(rejection)) => assert_eq!(Err(rejection.kind()), expected),
        }
        assert_eq!(in_flight(), beside);
    }
    drop(other);
    assert_eq!(in_flight(), 0);
});

#[derive(Debug)]
struct Chunk {
    how: usize,
    start: usize,
    end: usize,
    pause: u8,
}

impl Chunk {
    fn push(&self, intake: &mut Intake) -> Result<(), countersign::Rejection> {
        let Self { start, end, .. } = *self;
        let middle = start + (end - start) / 3;
        match self.how {
            0 => intake.push(BYTES.slice(start..end)),
            1 => intake.push(&BYTES[start..end]),
            2 => intake.push(BYTES.slice(start..middle).chain(&BYTES[middle..end])),
            _ => intake.push(Bytes::copy_from_slice(&BYTES[start..end])),
        }
    }
}
