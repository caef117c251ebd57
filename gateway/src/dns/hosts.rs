use std::net::IpAddr;

/// The addresses that the system's own list has for a name.
pub async fn find(host: &str) -> Vec<IpAddr> {
    let list = tokio::fs::read_to_string("/etc/hosts").await;
    addresses(&list.unwrap_or_default(), host)
}

fn addresses(list: &str, host: &str) -> Vec<IpAddr> {
    let host = host.trim_end_matches('.');
    let lines = list
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let found = lines.filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let address = words.next()?.parse().ok()?;
        words
            .any(|name| name.eq_ignore_ascii_case(host))
            .then_some(address)
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_found_with_all_their_addresses() {
        let list =
            "127.0.0.1 localhost # one.example\n::1 localhost\n10.0.0.1\tone.example one\nx y\n";
        let find = |host: &str| super::addresses(list, host).len();
        assert_eq!(
            (find("localhost"), find("LOCALHOST."), find("one")),
            (2, 2, 1)
        );
        assert_eq!((find("one.example"), find("y"), find("example")), (1, 0, 0));
    }
}
