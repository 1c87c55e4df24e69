use countersign::scheme::TimestampFormat;

const SECOND: i128 = 1_000_000_000;

/// Parses a timestamp. Returns nanoseconds since 1970, or `None` for a text outside the exact format.
#[must_use]
pub fn parse(format: TimestampFormat, text: &[u8]) -> Option<i128> {
    match format {
        TimestampFormat::Seconds => Some(number(text)? * SECOND),
        TimestampFormat::Milliseconds => Some(number(text)? * 1_000_000),
        _ => rfc3339(text),
    }
}

/// Parses digits without a leading zero. The number must be below 2^64.
fn number(text: &[u8]) -> Option<i128> {
    let right = matches!(text, [b'1'..=b'9', ..]) && text.len() <= 20 && text.iter().all(u8::is_ascii_digit);
    let value = digits(text);
    (right && value <= u64::MAX.into()).then_some(value)
}

/// Parses `2026-11-24T17:30:00`, an optional fraction of one to nine digits, and `Z` or an offset such as `+07:00`.
fn rfc3339(text: &[u8]) -> Option<i128> {
    let shape = text.get(..19)?.iter().zip(b"dddd-dd-ddTdd:dd:dd");
    if !shape.clone().all(|(byte, expected)| if *expected == b'd' { byte.is_ascii_digit() } else { byte == expected }) {
        return None;
    }
    let at = |place: usize, len: usize| digits(&text[place..place + len]);
    let (year, month, day, hour, minute, second) = (at(0, 4), at(5, 2), at(8, 2), at(11, 2), at(14, 2), at(17, 2));
    let mut rest = &text[19..];
    let mut nanoseconds = 0;
    if let [b'.', after @ ..] = rest {
        let end = after.iter().position(|byte| !byte.is_ascii_digit())?;
        if !(1..=9).contains(&end) {
            return None;
        }
        nanoseconds = digits(&after[..end]) * 10i128.pow(9 - end as u32);
        rest = &after[end..];
    }
    let east = match rest {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => {
            let (hours, minutes) = (digits(&[*a, *b]), digits(&[*c, *d]));
            if hours > 23 || minutes > 59 {
                return None;
            }
            (if *sign == b'+' { 1 } else { -1 }) * (hours * 60 + minutes) * 60
        }
        _ => return None,
    };
    let leap = |year: i128| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if year < 1970 || !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let years: i128 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let months: i128 = lengths[..(month - 1) as usize].iter().sum();
    let seconds = (years + months + day - 1) * 86_400 + hour * 3600 + minute * 60 + second - east;
    (seconds >= 0).then_some(seconds * SECOND + nanoseconds)
}

fn digits(text: &[u8]) -> i128 {
    text.iter().take(30).fold(0, |value, digit| value * 10 + i128::from(digit.wrapping_sub(b'0')))
}

/// Estimates a timestamp, to within some months. Returns nanoseconds since 1970. The text may be malformed.
#[must_use]
pub fn about(format: TimestampFormat, text: &[u8]) -> i128 {
    let text: Vec<u8> = text.iter().copied().filter(u8::is_ascii_digit).collect();
    let at = |start: usize, end: usize| digits(text.get(start..end).unwrap_or_default());
    let value = digits(text.get(..text.len().min(18)).unwrap_or_default());
    match format {
        TimestampFormat::Seconds => value * SECOND,
        TimestampFormat::Milliseconds => value * 1_000_000,
        _ => ((at(0, 4) - 1970) * 31_556_952 + (at(4, 6) - 1) * 2_629_746 + (at(6, 8) - 1) * 86_400) * SECOND,
    }
}

/// Writes a time, given in whole seconds since 1970.
#[must_use]
pub fn write(format: TimestampFormat, seconds: i64) -> String {
    match format {
        TimestampFormat::Seconds => seconds.to_string(),
        TimestampFormat::Milliseconds => (i128::from(seconds) * 1000).to_string(),
        _ => {
            let seconds = seconds.clamp(0, 253_402_300_799);
            let (year, month, day) = civil(seconds / 86_400);
            let of_day = seconds % 86_400;
            format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
        }
    }
}

/// Converts days since 1970 to year, month and day. Counts in eras of 400 years. Each year of an era begins in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_timestamp_parses_to_the_same_time() {
        for seconds in (1..253_402_300_799).step_by(98_765_431) {
            for format in [TimestampFormat::Seconds, TimestampFormat::Milliseconds, TimestampFormat::Rfc3339] {
                let text = write(format, seconds);
                assert_eq!(parse(format, text.as_bytes()), Some(i128::from(seconds) * SECOND), "{text}");
            }
        }
        assert_eq!(write(TimestampFormat::Rfc3339, 951_782_400), "2000-02-29T00:00:00Z");
    }
}
