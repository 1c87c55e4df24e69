use std::fmt;

/// The largest number of names in one index.
pub(crate) const MAX_NAMES: usize = 8;

/// The number of buckets. The length of a name chooses the bucket. A name shares the bucket with
/// names 64 bytes shorter or longer.
const BUCKETS: usize = 64;

/// The header names used by a scheme, each with a place. Created once, with the verifier.
#[derive(Clone)]
pub(crate) struct HeaderNames {
    names: Vec<HeaderName>,
    marks: Marks,
}

#[derive(Clone)]
struct HeaderName {
    given: &'static str,
    lower_case: Box<str>,
    /// The number of the next name in this bucket, or 0. Numbers start at 1.
    next: u8,
}

/// A quick test for one bucket, excluding most names not in the index.
#[derive(Clone, Copy)]
struct Mark {
    /// The number of the first name in this bucket, or 0. Numbers start at 1.
    first: u8,
    /// The last character of the only name in this bucket, or 0 for several names.
    last: u8,
}

/// One mark for each bucket.
#[derive(Clone)]
pub(crate) struct Marks([Mark; BUCKETS]);

impl Marks {
    const NONE: Self = Self([Mark { first: 0, last: 0 }; BUCKETS]);

    /// Creates the marks of a single name.
    pub(crate) fn of(name: &str) -> Self {
        let mut marks = Self::NONE;
        if let Some(mark) = marks.0.get_mut(name.len() % BUCKETS) {
            *mark = Mark { first: 1, last: name.bytes().next_back().map_or(0, |byte| byte.to_ascii_lowercase()) };
        }
        marks
    }

    /// Returns the number of the first name to compare, or `None` if no name can match. Length and
    /// last character exclude nearly all other names.
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

    /// Adds a name if not yet present, and returns the place of the name. Callers add at most
    /// [`MAX_NAMES`] names.
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

/// The header fields needed from a request. A [`RequestHead`](crate::RequestHead) fills the index.
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
    /// A single name to look for instead of `names`, and the callback for each value.
    one: Option<(&'n str, Visit<'n, 'h>)>,
    /// The values of each name, by place.
    values: [HeaderValues<'h>; MAX_NAMES],
}

type Visit<'n, 'h> = &'n mut dyn FnMut(&'h [u8]);

/// The values of a header field allowed once: none, one, or too many.
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

    /// Creates an index to call `visit` with each value of the field `name`. `marks` must be the
    /// marks of `name`.
    pub(crate) const fn one(marks: &'n Marks, name: &'n str, visit: Visit<'n, 'h>) -> Self {
        Self { marks, names: &[], one: Some((name, visit)), values: [HeaderValues::None; MAX_NAMES] }
    }

    /// Adds header fields as name and value, in the order of arrival. A field occurring twice is
    /// added twice.
    ///
    /// Names are compared without regard to case (RFC 9110 §5.1). Values are bytes, because a value
    /// need not be text.
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
        // Frameworks hand out names in lower case, so lower case is compared first.
        let mut number = first;
        while let Some((place, known)) = self.known(number) {
            if name == known.lower_case.as_bytes() {
                return self.put(place, value);
            }
            number = known.next;
        }
        self.add_as_spelt(first, name, value);
    }

    /// Adds a field if the name matches in any case. An index for a single name always ends here.
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

    /// Returns the name with this number, and the place of the name.
    fn known(&self, number: u8) -> Option<(usize, &'n HeaderName)> {
        let place = usize::from(number).wrapping_sub(1);
        self.names.get(place).map(|name| (place, name))
    }

    fn put(&mut self, place: usize, value: &'h [u8]) {
        if let Some(values) = self.values.get_mut(place) {
            *values = values.and(value);
        }
    }

    /// Returns the values of the name at this place.
    #[inline]
    pub(crate) fn get(&self, place: u8) -> HeaderValues<'h> {
        self.values.get(usize::from(place)).copied().unwrap_or(HeaderValues::None)
    }
}

impl<'h> HeaderValues<'h> {
    /// Returns these values with another value added.
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

    /// Returns the values at each place of the index, for a head with these fields.
    fn values_by_place(names: &HeaderNames, fields: &[(&str, &str)]) -> Vec<Vec<String>> {
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
    fn header_name_has_one_place_in_any_case() {
        let mut names = names_of(&["X-One", "X-Two"]);
        assert_eq!([names.add("x-one"), names.add("X-TWO"), names.add("content-length"), names.add("X-one")], [0, 1, 2, 0]);
        assert_eq!(names.iter().collect::<Vec<_>>(), ["X-One", "X-Two", "content-length"]);
    }

    #[test]
    fn index_finds_wanted_headers_in_any_case_and_no_others() {
        // Names of one length, names with one ending, short and long names, and lengths sharing a
        // bucket.
        let long: &'static str = "x-a-name-that-is-longer-than-sixty-four-bytes-and-so-shares-its-place";
        assert_eq!(long.len() % BUCKETS, 5);
        let sought = ["X-One", "X-Two", "a", "webhook-signature", "webhook-timestamp", "exactly8", "content-length", long];
        let names = names_of(&sought);
        for (place, name) in sought.iter().enumerate() {
            for spelt in [(*name).to_owned(), name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
                let mut expected = vec![Vec::new(); MAX_NAMES];
                expected[place] = vec!["1".to_owned()];
                assert_eq!(values_by_place(&names, &[("other", "0"), (&spelt, "1"), ("another", "2")]), expected, "{spelt}");
                expected[place] = vec!["several".to_owned()];
                assert_eq!(values_by_place(&names, &[(&spelt, "1"), (name, "1")]), expected, "{spelt}");
            }
            for place in 0..name.len() {
                let mut other = name.as_bytes().to_vec();
                other[place] = if other[place] == b'!' { b'?' } else { b'!' };
                let other = String::from_utf8(other).unwrap();
                assert_eq!(values_by_place(&names, &[(&other, "1")]), vec![Vec::<String>::new(); MAX_NAMES], "{other}");
            }
        }
        for other in ["", "x-on", "x-onee", "webhook-signaturf", "\u{e9}", "X-OnE\u{130}"] {
            assert_eq!(values_by_place(&names, &[(other, "1")]), vec![Vec::<String>::new(); MAX_NAMES], "{other}");
        }
    }

    #[test]
    fn case_bit_distinguishes_characters_other_than_letters() {
        let names = names_of(&["x-a^bcdefgh", "y-a_"]);
        assert_eq!(values_by_place(&names, &[("x-a~bcdefgh", "1"), ("y-a\u{7f}", "1")]), vec![Vec::<String>::new(); MAX_NAMES]);
        assert_eq!(values_by_place(&names, &[("X-A^BCDEFGH", "1"), ("Y-A_", "2")])[..2], [["1".to_owned()], ["2".to_owned()]]);
    }

    #[test]
    fn header_index_debug_shows_no_value() {
        let names = names_of(&["x-one"]);
        let mut index = HeaderIndex::new(&names);
        index.extend([("x-one", "needle")]);
        assert_eq!(format!("{index:?}"), "HeaderIndex { .. }");
    }

    #[test]
    fn single_name_index_visits_each_value_in_order() {
        let fields = [("A", "1"), ("b", "2"), ("a", "3")];
        let mut visited = Vec::new();
        HeaderIndex::one(&Marks::of("a"), "a", &mut |value| visited.push(value)).extend(fields.iter().map(|(name, value)| (*name, *value)));
        assert_eq!(visited, [b"1", b"3"]);
    }
}
