//! Content pages.

crate::texts! {
    /// Content pages.
    Content {
        toc = "Docs", "Dokumente";
        toc_lead = "All pages and APIs of this portal.", "Alle Seiten und APIs dieses Portals.";
        pages = "Pages", "Seiten";
        apis = "APIs", "APIs";
        guest = "More may show itself after you log in.", "Nach der Anmeldung zeigt sich vielleicht mehr.";
        none = "No pages yet.", "Noch keine Seiten.";
        welcome = "Welcome", "Willkommen";
        not_ready = "This page is being rewritten. Come back later, or ask us.", "Diese Seite wird gerade neu geschrieben. Kommen Sie später wieder, oder fragen Sie uns.";
        not_rendered = "This page is a Jade template, which is not run any more. Convert it to Markdown.", "Diese Seite ist eine Jade-Vorlage, die nicht mehr ausgeführt wird. Wandeln Sie sie in Markdown um.";
    }
}
