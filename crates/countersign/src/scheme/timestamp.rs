use std::time::{Duration, SystemTime};

/// The tolerance of most providers, and of providers without a documented tolerance.
pub(crate) const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// The format of a scheme's timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimestampFormat {
    /// Whole seconds since 1970 in decimal digits, without a sign or leading zeros.
    Seconds,
    /// Whole milliseconds since 1970 in decimal digits, without a sign or leading zeros.
    Milliseconds,
    /// RFC 3339 §5.6 in upper case: `2026-11-24T17:30:00Z`, `2026-11-24T10:30:00.25-07:00`. A
    /// fraction has at most nine digits.
    Rfc3339,
}

impl TimestampFormat {
    /// Returns the time since 1970, or `None` if the text does not have exactly this format.
    ///
    /// A number has a single text. In RFC 3339, no text is the beginning or the end of another
    /// text. So a byte cannot move between a timestamp and the signed part beside the timestamp
    /// without changing or invalidating the time.
    pub(crate) fn parse(self, text: &[u8]) -> Option<Duration> {
        match self {
            Self::Seconds => decimal(text).map(Duration::from_secs),
            Self::Milliseconds => decimal(text).map(Duration::from_millis),
            Self::Rfc3339 => rfc3339(std::str::from_utf8(text).ok()?),
        }
    }

    /// Returns whether a timestamp can contain this byte.
    pub(crate) const fn uses(self, byte: u8) -> bool {
        match self {
            Self::Seconds | Self::Milliseconds => byte.is_ascii_digit(),
            Self::Rfc3339 => byte.is_ascii_digit() || matches!(byte, b'T' | b'Z' | b'-' | b'+' | b':' | b'.'),
        }
    }

    /// Returns the text of a time. A time before 1970 counts as 1970. In RFC 3339, a time after
    /// 9999 counts as the last second of 9999.
    pub(crate) fn write(self, time: SystemTime) -> String {
        let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        match self {
            Self::Seconds => since_1970.as_secs().to_string(),
            Self::Milliseconds => since_1970.as_millis().to_string(),
            Self::Rfc3339 => write_rfc3339(since_1970),
        }
    }
}

/// Parses decimal digits without a sign or leading zeros. Rejects `0` too.
fn decimal(text: &[u8]) -> Option<u64> {
    if matches!(text, [] | [b'0', ..]) {
        return None;
    }
    let (mut number, mut faults) = (0_u64, 0);
    for byte in text {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        // The sum is below 16 for a digit, and for no other byte.
        faults |= digit.wrapping_add(6);
        number = number.wrapping_mul(10).wrapping_add(digit);
    }
    // Nineteen digits always fit into 64 bits.
    let number = if text.len() <= 19 { Some(number) } else { std::str::from_utf8(text).ok()?.parse().ok() };
    number.filter(|_| faults < 16)
}

/// Returns the time since 1970. Rejects a time before 1970.
fn rfc3339(text: &str) -> Option<Duration> {
    let (date, time) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, offset) = if let Some(time) = time.strip_suffix('Z') { (time, 0) } else { offset(time)? };
    let (time, nanoseconds) = match time.split_once('.') {
        Some((time, fraction)) => (time, fraction_of_a_second(fraction)?),
        None => (time, 0),
    };
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    // A leap second has the number 60.
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let of_day = i64::from(hour).checked_mul(3600)?.checked_add(i64::from(minute).checked_mul(60)?)?.checked_add(second.into())?;
    let seconds = days_since_1970(year, month, day)?.checked_mul(86_400)?.checked_add(of_day)?.checked_sub(offset)?;
    Some(Duration::new(seconds.try_into().ok()?, nanoseconds))
}

/// Splits `00:00:00+07:00` into the time and the offset. The offset is in seconds east of
/// Greenwich.
fn offset(time: &str) -> Option<(&str, i64)> {
    let (time, offset) = time.split_at_checked(time.rfind(['+', '-'])?)?;
    let (sign, digits) = offset.split_at_checked(1)?;
    let [hours, minutes] = numbers(digits, ':', [2, 2]).filter(|[hours, minutes]| *hours < 24 && *minutes < 60)?;
    let seconds = i64::from(hours).checked_mul(3600)?.checked_add(i64::from(minutes).checked_mul(60)?)?;
    Some((time, if sign == "-" { seconds.checked_neg()? } else { seconds }))
}

/// Parses numbers divided by `separator`, each with exactly the given number of digits.
fn numbers<const COUNT: usize>(text: &str, separator: char, digits: [usize; COUNT]) -> Option<[u32; COUNT]> {
    let mut numbers = [0; COUNT];
    let mut pieces = text.split(separator);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let piece = pieces.next().filter(|piece| piece.len() == digits && piece.bytes().all(|byte| byte.is_ascii_digit()))?;
        *number = piece.parse().ok()?;
    }
    pieces.next().is_none().then_some(numbers)
}

fn fraction_of_a_second(digits: &str) -> Option<u32> {
    if !(1..=9).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").parse().ok()
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Returns the days from 1970 to a date of the Gregorian calendar, or `None` before 1970.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<i64> {
    let years = i64::from(year.checked_sub(1970)?);
    let leap_days = i64::from(leap_years_to(year.saturating_sub(1)).checked_sub(leap_years_to(1969))?);
    let months: i64 = (1..month).map(|month| i64::from(days_in(year, month))).sum();
    years.checked_mul(365)?.checked_add(leap_days)?.checked_add(months)?.checked_add(i64::from(day).checked_sub(1)?)
}

/// Returns the number of leap years from 1 to `year`.
const fn leap_years_to(year: u32) -> u32 {
    (year / 4).saturating_sub(year / 100).saturating_add(year / 400)
}

/// The last second of 9999, the latest time in the format.
const LAST_OF_RFC3339: u64 = 253_402_300_799;

fn write_rfc3339(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs().min(LAST_OF_RFC3339);
    let (mut days, of_day) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970_u32;
    let mut month = 1_u32;
    // Subtracts whole years, then whole months.
    while let Some(left) = days.checked_sub(if is_leap(year) { 366 } else { 365 }) {
        (days, year) = (left, year.saturating_add(1));
    }
    while let Some(left) = days.checked_sub(days_in(year, month).into()) {
        (days, month) = (left, month.saturating_add(1));
    }
    let day = days.saturating_add(1);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(format: TimestampFormat, text: &str) -> Option<u64> {
        format.parse(text.as_bytes()).map(|since_1970| since_1970.as_secs())
    }

    #[test]
    fn numeric_timestamp_accepts_only_digits() {
        for place in 0..10 {
            for byte in 0..=u8::MAX {
                let mut text = *b"1700000000";
                text[place] = byte;
                let is_number = byte.is_ascii_digit() && (place, byte) != (0, b'0');
                assert_eq!(TimestampFormat::Seconds.parse(&text).is_some(), is_number, "{byte:#04x} at {place}");
            }
        }
        for byte in 0..=u8::MAX {
            assert_eq!(TimestampFormat::Seconds.parse(&[byte; 10]).is_some(), (b'1'..=b'9').contains(&byte), "{byte:#04x} alone");
        }
    }

    #[test]
    fn rfc3339_parsing_accepts_only_the_exact_format() {
        // Expected values were computed with Python's `datetime`.
        let right = [
            ("1970-01-01T00:00:00Z", 0),
            ("2020-01-01T00:00:00-07:00", 1_577_862_000),
            ("2020-02-29T23:59:59Z", 1_583_020_799),
            ("2000-02-29T12:00:00+05:30", 951_805_800),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("2016-12-31T23:59:60Z", 1_483_228_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("1970-01-01T00:00:00-23:59", 86_340),
        ];
        for (text, expected) in right {
            assert_eq!(seconds(TimestampFormat::Rfc3339, text), Some(expected), "{text}");
        }
        let fraction = TimestampFormat::Rfc3339.parse(b"2019-11-16T10:11:12.634234626Z").unwrap();
        assert_eq!(fraction, Duration::new(1_573_899_072, 634_234_626));
        let wrong = [
            "",
            "T",
            "Z",
            "2020-01-01",
            "2020-01-01T00:00:00",
            "2020-01-01t00:00:00z",
            "2020-01-01T00:00:00z",
            "2020-01-01 00:00:00Z",
            "20200101T000000Z",
            "020-01-01T00:00:00Z",
            "12020-01-01T00:00:00Z",
            "2020-1-01T00:00:00Z",
            "2020-01-01T0:00:00Z",
            "2020-01-01T00:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00.1234567890Z",
            "2020-01-01T00:00:00,5Z",
            "2020-01-01T00:00:00+7:00",
            "2020-01-01T00:00:00+0700",
            "2020-01-01T00:00:00+07",
            "2020-01-01T00:00:00+24:00",
            "2020-01-01T00:00:00+07:60",
            "2020-01-01T00:00:00+-7:00",
            "2020-01-01T00:00:00ZZ",
            "2020-01-01T00:00:00Z ",
            " 2020-01-01T00:00:00Z",
            "2020-00-01T00:00:00Z",
            "2020-13-01T00:00:00Z",
            "2020-01-00T00:00:00Z",
            "2020-04-31T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:60:00Z",
            "2020-01-01T00:00:61Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "-020-01-01T00:00:00Z",
            "+020-01-01T00:00:00Z",
        ];
        for text in wrong {
            assert_eq!(TimestampFormat::Rfc3339.parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn written_timestamp_parses_to_the_same_time() {
        for since_1970 in [0, 1, 86_399, 86_400, 951_782_400, 951_868_800, 1_573_899_072, 1_709_164_800, 4_107_542_400, 253_402_300_799] {
            let since_1970 = Duration::from_secs(since_1970);
            for format in [TimestampFormat::Seconds, TimestampFormat::Milliseconds, TimestampFormat::Rfc3339] {
                let text = format.write(SystemTime::UNIX_EPOCH + since_1970);
                // The text `0` is rejected, because a number never begins with a zero.
                let expected = (!since_1970.is_zero() || format == TimestampFormat::Rfc3339).then_some(since_1970);
                assert_eq!(format.parse(text.as_bytes()), expected, "{text}");
            }
        }
        assert_eq!(TimestampFormat::Rfc3339.write(SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_862_000)), "2020-01-01T07:00:00Z");
    }

    #[test]
    fn rfc3339_writes_times_after_9999_as_the_end_of_9999() {
        for seconds in [253_402_300_799, 253_402_300_800, 253_404_979_200, i64::MAX.unsigned_abs()] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(TimestampFormat::Rfc3339.write(time), "9999-12-31T23:59:59Z", "{seconds}");
        }
    }

    #[test]
    fn numeric_timestamp_never_overflows() {
        for text in ["18446744073709551615", "9223372036854775808", "9223372036854775807"] {
            for format in [TimestampFormat::Seconds, TimestampFormat::Milliseconds] {
                assert!(format.parse(text.as_bytes()).is_some(), "{text}");
            }
        }
        for text in ["18446744073709551616", "99999999999999999999", "-1", "+1", "0", "01", "1.0", "1e9", "", " 1", "1 ", "１"] {
            for format in [TimestampFormat::Seconds, TimestampFormat::Milliseconds] {
                assert_eq!(format.parse(text.as_bytes()), None, "{text}");
            }
        }
    }
}
