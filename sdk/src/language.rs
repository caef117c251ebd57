//! Languages that a reader likes.

/// Parts of the header that are looked at.
const MOST: usize = 20;

/// The best of the languages in an `Accept-Language` header that `known` knows by their tag (RFC 9110,
/// 12.5.4); of equals the first.
pub fn preferred<T>(header: &str, known: impl Fn(&str) -> Option<T>) -> Option<T> {
    let mut best: Option<(f32, T)> = None;
    for part in header.split(',').take(MOST) {
        let mut pieces = part.split(';');
        let tag = pieces.next().unwrap_or_default().trim();
        let quality = pieces
            .find_map(|piece| piece.trim().strip_prefix("q="))
            .map_or(1.0, |text| text.trim().parse().unwrap_or(0.0));
        if quality > best.as_ref().map_or(0.0, |(known, _)| *known)
            && let Some(language) = known(tag)
        {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}
