use http::HeaderMap;

/// The most fields that are looked through one by one: up to about so many, that is sooner done than making of a text what the map finds it by.
const FEW: usize = 24;

/// The values of each field of this name, in the order of arrival.
pub(crate) fn visit<'h>(headers: &'h HeaderMap, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
    if headers.len() > FEW {
        headers.get_all(name).iter().for_each(|value| visit(value.as_bytes()));
        return;
    }
    for (key, value) in headers {
        if key.as_str().eq_ignore_ascii_case(name) {
            visit(value.as_bytes());
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
                visit(&headers, name, &mut |value| values.push(String::from_utf8_lossy(value).into_owned()));
                values
            };
            let expected: Vec<String> = (0..=number).map(|number| number.to_string()).collect();
            assert_eq!((values("X-A"), values("Content-Length")), (expected.clone(), expected));
            assert!(values("x-").is_empty() && values("not a name").is_empty());
        }
    }
}
