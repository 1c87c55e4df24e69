use std::fmt;

/// The most names that are looked for at once.
pub(crate) const MAX_NAMES: usize = 8;

/// Names are told apart by their lengths first. A longer one shares the bucket of one that is 64 bytes shorter.
const BUCKETS: usize = 64;

/// The names that a scheme asks a head for, each with its place: made once, when a verifier is built.
#[derive(Clone)]
pub(crate) struct HeaderNames {
    names: Vec<HeaderName>,
    marks: Marks,
}

#[derive(Clone)]
struct HeaderName {
    given: &'static str,
    lower_case: Box<str>,
    /// The number of another name in this bucket, or 0. Numbers begin with 1.
    next: u8,
}

/// What tells most names that are not asked for from those that are.
#[derive(Clone, Copy)]
struct Mark {
    /// The number of the first name in this bucket, or 0. Numbers begin with 1.
    first: u8,
    /// The last character of the only name in this bucket, or 0 if there are several.
    last: u8,
}

/// One for each bucket.
#[derive(Clone)]
pub(crate) struct Marks([Mark; BUCKETS]);

impl Marks {
    const NONE: Self = Self([Mark { first: 0, last: 0 }; BUCKETS]);

    /// Of one name alone.
    pub(crate) fn of(name: &str) -> Self {
        let mut marks = Self::NONE;
        if let Some(mark) = marks.0.get_mut(name.len() % BUCKETS) {
            *mark = Mark { first: 1, last: name.bytes().next_back().map_or(0, |byte| byte.to_ascii_lowercase()) };
        }
        marks
    }

    /// The number of the first name to compare with, if this can be one of these. Length and last character rule out nearly all others.
    #[inline]
    fn first(&self, name: &[u8]) -> Option<u8> {
        let Mark { first, last } = *self.0.get(name.len() % BUCKETS)?;
        let is_likely = first != 0 && (last == 0 || name.last().is_some_and(|byte| byte.to_ascii_lowercase() == last));
        is_likely.then_some(first)
    }
}

impl HeaderNames {
    pub(crate) const fn new() -> Self {
        Self { names: Vec::new(), marks: Marks::NONE }
    }

    /// Adds a name unless it is there already, and returns its place. Callers add [`MAX_NAMES`] at most.
    pub(crate) fn add(&mut self, name: &'static str) -> u8 {
        let known = self.names.iter().position(|known| known.given.eq_ignore_ascii_case(name));
        let place = known.unwrap_or(self.names.len()).try_into().unwrap_or(u8::MAX);
        if known.is_none()
            && let Some(mark) = self.marks.0.get_mut(name.len() % BUCKETS)
        {
            let (next, lower_case) = (mark.first, name.to_ascii_lowercase().into_boxed_str());
            let last = if next == 0 { lower_case.bytes().next_back().unwrap_or(0) } else { 0 };
            *mark = Mark { first: place.saturating_add(1), last };
            self.names.push(HeaderName { given: name, lower_case, next });
        }
        place
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().map(|name| name.given)
    }
}

/// The header fields of a request that somebody asked for. A [`RequestHead`](crate::RequestHead) is given one to fill.
///
/// ```
/// use countersign::adapter::HeaderIndex;
/// use countersign::RequestHead;
///
/// struct Lambda {
///     headers: Vec<(String, String)>,
/// }
///
/// impl RequestHead for Lambda {
///     fn method(&self) -> &str {
///         "POST"
///     }
///
///     fn target(&self) -> &str {
///         "/"
///     }
///
///     fn headers<'h>(&'h self, index: &mut HeaderIndex<'_, 'h>) {
///         index.extend(self.headers.iter().map(|(name, value)| (name, value)));
///     }
/// }
/// ```
pub struct HeaderIndex<'n, 'h> {
    marks: &'n Marks,
    names: &'n [HeaderName],
    /// The one name that is looked for instead of those, and who is told of its values.
    one: Option<(&'n str, Visit<'n, 'h>)>,
    /// By the places of the names.
    values: [HeaderValues<'h>; MAX_NAMES],
}

type Visit<'n, 'h> = &'n mut dyn FnMut(&'h [u8]);

/// The values of a header that may stand in a request once: none, one, or too many.
#[derive(Clone, Copy)]
pub(crate) enum HeaderValues<'h> {
    None,
    One(&'h [u8]),
    Several,
}

impl<'n, 'h> HeaderIndex<'n, 'h> {
    #[inline]
    pub(crate) const fn new(names: &'n HeaderNames) -> Self {
        Self { marks: &names.marks, names: names.names.as_slice(), one: None, values: [HeaderValues::None; MAX_NAMES] }
    }

    /// Calls `visit` with each value of the field `name`, whose marks these are.
    pub(crate) const fn one(marks: &'n Marks, name: &'n str, visit: Visit<'n, 'h>) -> Self {
        Self { marks, names: &[], one: Some((name, visit)), values: [HeaderValues::None; MAX_NAMES] }
    }

    /// Adds header fields, as name and value, in the order of arrival. A field that occurs twice is added twice.
    ///
    /// Names are compared without regard to case (RFC 9110 §5.1). Values are bytes, because they need not be text.
    #[inline]
    pub fn extend<N, V>(&mut self, fields: impl IntoIterator<Item = (&'h N, &'h V)>)
    where
        N: AsRef<str> + ?Sized + 'h,
        V: AsRef<[u8]> + ?Sized + 'h,
    {
        let marks = self.marks;
        for (name, value) in fields {
            let name = name.as_ref();
            if let Some(first) = marks.first(name.as_bytes()) {
                self.add(first, name.as_bytes(), value.as_ref());
            }
        }
    }

    #[inline(never)]
    fn add(&mut self, first: u8, name: &[u8], value: &'h [u8]) {
        // Frameworks hand out names in lower case, so that is compared first.
        let mut number = first;
        while let Some((place, known)) = self.known(number) {
            if name == known.lower_case.as_bytes() {
                return self.put(place, value);
            }
            number = known.next;
        }
        self.add_as_spelt(first, name, value);
    }

    /// Adds a field whose name is written in another case, if it is one of these, or is the one that is looked for.
    #[cold]
    #[inline(never)]
    fn add_as_spelt(&mut self, mut number: u8, name: &[u8], value: &'h [u8]) {
        if let Some((sought, visit)) = &mut self.one {
            if name.eq_ignore_ascii_case(sought.as_bytes()) {
                visit(value);
            }
            return;
        }
        while let Some((place, known)) = self.known(number) {
            if name.eq_ignore_ascii_case(known.lower_case.as_bytes()) {
                return self.put(place, value);
            }
            number = known.next;
        }
    }

    /// The name of this number, with its place.
    fn known(&self, number: u8) -> Option<(usize, &'n HeaderName)> {
        let place = usize::from(number).wrapping_sub(1);
        self.names.get(place).map(|name| (place, name))
    }

    fn put(&mut self, place: usize, value: &'h [u8]) {
        if let Some(values) = self.values.get_mut(place) {
            *values = values.and(value);
        }
    }

    /// What the field at this place of the names says.
    #[inline]
    pub(crate) fn get(&self, place: u8) -> HeaderValues<'h> {
        self.values.get(usize::from(place)).copied().unwrap_or(HeaderValues::None)
    }
}

impl<'h> HeaderValues<'h> {
    /// These values and one more.
    pub(crate) const fn and(self, value: &'h [u8]) -> Self {
        match self {
            Self::None => Self::One(value),
            Self::One(_) | Self::Several => Self::Several,
        }
    }
}

impl fmt::Debug for HeaderIndex<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderIndex").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(names: &[&'static str]) -> HeaderNames {
        let mut all = HeaderNames::new();
        for name in names {
            all.add(name);
        }
        all
    }

    /// What is found at each place, of a head with these fields.
    fn found(names: &HeaderNames, fields: &[(&str, &str)]) -> Vec<Vec<String>> {
        let mut index = HeaderIndex::new(names);
        index.extend(fields.iter().map(|(name, value)| (*name, *value)));
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let at = |place| match index.get(place) {
            HeaderValues::None => vec![],
            HeaderValues::One(value) => vec![text(value)],
            HeaderValues::Several => vec!["several".to_owned()],
        };
        (0..MAX_NAMES).map(|place| at(place.try_into().unwrap())).collect()
    }

    #[test]
    fn a_name_has_one_place_however_it_is_spelt() {
        let mut names = names_of(&["X-One", "X-Two"]);
        assert_eq!([names.add("x-one"), names.add("X-TWO"), names.add("content-length"), names.add("X-one")], [0, 1, 2, 0]);
        assert_eq!(names.iter().collect::<Vec<_>>(), ["X-One", "X-Two", "content-length"]);
    }

    #[test]
    fn fields_are_found_by_their_names_in_any_case_and_no_others_are() {
        // Names of one length, with one end, short and long, and of lengths that share a bucket.
        let long: &'static str = "x-a-name-that-is-longer-than-sixty-four-bytes-and-so-shares-its-place";
        assert_eq!(long.len() % BUCKETS, 5);
        let sought = ["X-One", "X-Two", "a", "webhook-signature", "webhook-timestamp", "exactly8", "content-length", long];
        let names = names_of(&sought);
        for (place, name) in sought.iter().enumerate() {
            for spelt in [(*name).to_owned(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                let mut expected = vec![Vec::new(); MAX_NAMES];
                expected[place] = vec!["1".to_owned()];
                assert_eq!(found(&names, &[("other", "0"), (&spelt, "1"), ("another", "2")]), expected, "{spelt}");
                expected[place] = vec!["several".to_owned()];
                assert_eq!(found(&names, &[(&spelt, "1"), (name, "1")]), expected, "{spelt}");
            }
            for place in 0..name.len() {
                let mut other = name.as_bytes().to_vec();
                other[place] = if other[place] == b'!' { b'?' } else { b'!' };
                let other = String::from_utf8(other).unwrap();
                assert_eq!(found(&names, &[(&other, "1")]), vec![Vec::<String>::new(); MAX_NAMES], "{other}");
            }
        }
        for other in ["", "x-on", "x-onee", "webhook-signaturf", "\u{e9}", "X-OnE\u{130}"] {
            assert_eq!(found(&names, &[(other, "1")]), vec![Vec::<String>::new(); MAX_NAMES], "{other}");
        }
    }

    #[test]
    fn characters_that_differ_by_the_bit_of_a_letters_case_are_not_the_same() {
        let names = names_of(&["x-a^bcdefgh", "y-a_"]);
        assert_eq!(found(&names, &[("x-a~bcdefgh", "1"), ("y-a\u{7f}", "1")]), vec![Vec::<String>::new(); MAX_NAMES]);
        assert_eq!(found(&names, &[("X-A^BCDEFGH", "1"), ("Y-A_", "2")])[..2], [["1".to_owned()], ["2".to_owned()]]);
    }

    #[test]
    fn more_than_255_fields_of_a_name_are_still_several() {
        let names = names_of(&["x-one"]);
        let fields = vec![("x-one", "1"); 300];
        for count in [2, 255, 256, 257, 300] {
            assert_eq!(found(&names, &fields[..count])[0], ["several"], "{count}");
        }
    }

    #[test]
    fn its_debug_shows_no_value() {
        let names = names_of(&["x-one"]);
        let mut index = HeaderIndex::new(&names);
        index.extend([("x-one", "needle")]);
        assert_eq!(format!("{index:?}"), "HeaderIndex { .. }");
    }

    #[test]
    fn of_one_name_each_value_is_visited_in_order() {
        let fields = [("A", "1"), ("b", "2"), ("a", "3")];
        let mut visited = Vec::new();
        HeaderIndex::one(&Marks::of("a"), "a", &mut |value| visited.push(value)).extend(fields.iter().map(|(name, value)| (*name, *value)));
        assert_eq!(visited, [b"1", b"3"]);
    }
}
