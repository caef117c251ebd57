//! The API console.

crate::texts! {
    /// The API console.
    Console {
        title = "API console", "API-Konsole";
        home = "Portal", "Portal";
        contact = "Contact", "Kontakt";
        content = "Docs", "Dokumente";
        read_only = "This page is to read. To make calls, use the reference in the portal.", "Diese Seite ist zum Lesen. Aufrufe machen Sie in der Referenz des Portals.";
        no_script = "This page needs scripts. The definition itself:", "Diese Seite braucht Skripte. Die Definition selbst:";
    }
}
