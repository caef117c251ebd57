//! Numbers and times as each language writes them.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use sdk::types::grants::Grant;

use crate::{
    Lang,
    texts::{Shared, Times},
};

/// `50,000` in English, `50.000` in German.
pub fn number(lang: Lang, value: u64) -> String {
    let separator = Times(lang).thousands();
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push_str(separator);
        }
        text.push(digit);
    }
    text
}

fn month(lang: Lang, date: NaiveDate) -> &'static str {
    let t = Times(lang);
    match date.month() {
        1 => t.january(),
        2 => t.february(),
        3 => t.march(),
        4 => t.april(),
        5 => t.may(),
        6 => t.june(),
        7 => t.july(),
        8 => t.august(),
        9 => t.september(),
        10 => t.october(),
        11 => t.november(),
        _ => t.december(),
    }
}

/// `21 Nov 2026`, `21. November 2026`.
pub fn date(lang: Lang, date: NaiveDate) -> String {
    Times(lang).date(date.day(), month(lang, date), date.year())
}

/// A day of this year: `21 Nov`, `21.11.`.
pub fn day(lang: Lang, date: NaiveDate) -> String {
    Times(lang).day_of_year(date.day(), month(lang, date), date.month())
}

/// Date and time in UTC, for the `title` of relative times.
pub fn moment(lang: Lang, at: DateTime<Utc>) -> String {
    Times(lang).moment(date(lang, at.date_naive()), at.format("%H:%M"))
}

/// Relative up to a day ("4 minutes ago"), then the date.
pub fn ago(lang: Lang, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = now.signed_duration_since(at).num_seconds();
    let count = |unit: i64| usize::try_from(seconds / unit).unwrap_or_default();
    match seconds {
        ..60 => Times(lang).just_now().to_owned(),
        60..3600 => Times(lang).minutes_ago(count(60)),
        3600..86_400 => Times(lang).hours_ago(count(3600)),
        _ => date(lang, at.date_naive()),
    }
}

/// How long something has been waiting, short: `35 min`, `6 h`, `3 d`.
pub fn age(lang: Lang, since: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let minutes = now.signed_duration_since(since).num_minutes().max(1);
    match minutes {
        ..60 => format!("{minutes} min"),
        60..2880 => format!("{} h", minutes / 60),
        _ => Times(lang).days_old(minutes / 1440),
    }
}

/// How long it is until then, short: `38 s`, `4 min`, `23 h 41 min`, `13 days`.
pub fn until(lang: Lang, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = at.signed_duration_since(now).num_seconds().max(0);
    let minutes = seconds / 60;
    match minutes {
        0 => format!("{seconds} s"),
        1..60 => format!("{minutes} min"),
        60..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ => Times(lang).days(usize::try_from(minutes / 1440).unwrap_or_default()),
    }
}

/// Longest name of a program that is neither of those below.
const MAX_PROGRAM: usize = 80;

/// Browser and system of a `User-Agent`, as people call them; what is neither is shown as it is.
pub fn program(agent: &str) -> Option<String> {
    let first = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(mark, _)| agent.contains(mark));
        found.map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
        (Some(browser), None) => Some(browser.to_owned()),
        _ if agent.is_empty() => None,
        _ => Some(agent.chars().take(MAX_PROGRAM).collect()),
    }
}

/// The scopes of a consent: those that end together in one text, with when.
pub fn granted(lang: Lang, grant: &Grant) -> Vec<String> {
    let shown = |(scopes, end): (Vec<&str>, Option<sdk::types::Timestamp>)| match end {
        None => scopes.join(", "),
        Some(end) => Shared(lang).scopes_until(scopes.join(", "), date(lang, end.0.date_naive())),
    };
    grant.by_end().into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_as_the_language_does() {
        for (value, english) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(Lang::EN, value), english);
            assert_eq!(number(Lang::DE, value), english.replace(',', "."));
        }
    }

    #[test]
    fn browsers_have_the_names_that_people_know() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36";
        assert_eq!(program(chrome).unwrap(), "Chrome, Linux");
        assert_eq!(program("curl/8.0").unwrap(), "curl/8.0");
        assert_eq!(program(""), None);
    }

    #[test]
    fn times_are_relative_for_a_day_only() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let before = |minutes| now - chrono::Duration::minutes(minutes);
        assert_eq!(ago(Lang::EN, before(0), now), "just now");
        assert_eq!(ago(Lang::EN, before(4), now), "4 minutes ago");
        assert_eq!(ago(Lang::DE, before(60), now), "vor 1 Stunde");
        assert_eq!(ago(Lang::DE, before(3000), now), "19. November 2026");
    }
}
