use http::{HeaderMap, HeaderValue};

/// The most fields that are looked through one by one: up to about so many, that is sooner done than making of a text what the map finds it by.
const FEW: usize = 24;

/// The values of each field of this name, in the order of arrival.
pub(crate) fn visit<'h>(headers: &'h HeaderMap, name: &str, visit: &mut dyn FnMut(&'h HeaderValue)) {
    if headers.len() > FEW {
        headers.get_all(name).iter().for_each(visit);
        return;
    }
    for (key, value) in headers {
        if key.as_str().eq_ignore_ascii_case(name) {
            visit(value);
        }
    }
}

/// As [`visit`], of several names at once.
pub(crate) fn visit_each<'h>(headers: &'h HeaderMap, names: &[&str], visit_each: &mut dyn FnMut(usize, &'h HeaderValue)) {
    if headers.len() > FEW {
        for (place, name) in names.iter().enumerate() {
            visit(headers, name, &mut |value| visit_each(place, value));
        }
        return;
    }
    for (key, value) in headers {
        let key = key.as_str();
        for (place, name) in names.iter().enumerate() {
            if key.eq_ignore_ascii_case(name) {
                visit_each(place, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_fields_and_many_are_found_alike() {
        let mut headers = HeaderMap::new();
        for number in 0..2 * FEW {
            headers.append("x-a", number.into());
            headers.append("content-length", number.into());
            let values = |name: &str| {
                let mut values = Vec::new();
                visit(&headers, name, &mut |value| values.push(String::from_utf8_lossy(value.as_bytes()).into_owned()));
                values
            };
            let expected: Vec<String> = (0..=number).map(|number| number.to_string()).collect();
            assert_eq!((values("X-A"), values("Content-Length")), (expected.clone(), expected));
            let mut both = [Vec::new(), Vec::new(), Vec::new()];
            let names = ["X-A", "absent", "Content-Length"];
            visit_each(&headers, &names, &mut |place, value| both[place].push(String::from_utf8_lossy(value.as_bytes()).into_owned()));
            assert_eq!(both, names.map(values));
            assert!(values("x-").is_empty() && values("not a name").is_empty());
        }
    }
}
