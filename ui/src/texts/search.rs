//! The search over everything.

crate::texts! {
    /// The search over everything.
    Search {
        title = "Search", "Suche";
        hint = "Search APIs, operations, guides and help", "APIs, Operationen, Anleitungen und Hilfe durchsuchen";
        nothing_asked = "Type what you look for: a name, a path, a parameter.", "Geben Sie ein, was Sie suchen: einen Namen, einen Pfad, einen Parameter.";
        corrected = "Results for", "Treffer für";
        as_typed(text) = "Search for “{text}” as typed", "Nach „{text}“ wie eingegeben suchen";
        forgiving = "Search with typing errors forgiven", "Mit Nachsicht für Tippfehler suchen";
        partial = "Some APIs are still being read. Search again in a moment.", "Einige APIs werden noch eingelesen. Suchen Sie gleich noch einmal.";
        nothing_for(text) = "Nothing matches “{text}”.", "Nichts passt zu „{text}“.";
        nothing_text = "Try another word, or fewer words.", "Versuchen Sie ein anderes Wort oder weniger Wörter.";
        nothing_guest = "More can be found after you log in.", "Nach der Anmeldung lässt sich mehr finden.";
        all_apis = "Show all APIs", "Alle APIs zeigen";
        kinds = "Kinds of results", "Arten von Treffern";
        all = "All", "Alle";
        operations = "Operations", "Operationen";
        apis = "APIs", "APIs";
        guides = "Guides", "Anleitungen";
        pages = "Pages", "Seiten";
        help = "Help", "Hilfe";
        show_all(count) = "Show all {count}", "Alle {count} zeigen";
        pages_of = "Pages of results", "Seiten mit Treffern";
    }
}
