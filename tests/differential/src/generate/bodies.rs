use crate::generate::Subject;
use crate::random::Random;

/// Draws a body to sign.
pub fn draw(random: &mut Random, subject: &Subject<'_>) -> Vec<u8> {
    let limit = subject.part.body_limit.into_iter().chain(subject.plan.budget).min();
    // The core keeps a chunk of 64 KiB or more without a copy, even with a budget.
    let large = [65_535, 65_536, 65_537, 70_000];
    if limit.is_some_and(|limit| limit > 100_000) && random.percent(8) {
        let count = *random.one_of(&large);
        return random.bytes(count);
    }
    let count = match random.below(1000) {
        0..60 => 0,
        60..110 => 1,
        // Sizes around the limit.
        110..350 => limit.filter(|limit| *limit < 10_000).map_or(20, |limit| limit - 1 + random.below(3)),
        350..550 => limit.map_or(100, |limit| random.between(1, limit.min(1000))),
        550..800 => random.between(2, 200),
        800..990 => random.between(200, 3000),
        990..997 => random.between(3000, 9000),
        _ => *random.one_of(&large),
    };
    if random.percent(50) { random.bytes(count) } else { random.text(count, b"{}[]\":, abcdefghijklmnopqrstuvwxyz0123456789") }
}

/// Draws the delivered body, mostly the signed body.
pub fn delivered(random: &mut Random, signed: &[u8]) -> Vec<u8> {
    let mut body = signed.to_vec();
    if !random.percent(9) {
        return body;
    }
    match random.below(6) {
        0 => body.push(b'\n'),
        1 => body.insert(0, b' '),
        2 => body.clear(),
        3 => body.truncate(signed.len() / 2),
        4 => body.extend_from_slice(signed),
        _ => {
            if !body.is_empty() {
                let place = random.below(body.len());
                body[place] ^= 1 << random.below(8);
            }
        }
    }
    body
}
