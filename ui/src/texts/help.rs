//! Help pages; their texts lie in the portal's folder `help`.

crate::texts! {
    /// Frame of the help pages.
    Help {
        title = "Help", "Hilfe";
        lead = "How to find an API, get access, and call it.", "Wie Sie eine API finden, Zugang bekommen und sie aufrufen.";
        ask = "Something is missing? Ask us.", "Es fehlt etwas? Fragen Sie uns.";
        topics = "Help topics", "Hilfethemen";
        apis = "APIs", "APIs";
        applications = "Applications", "Anwendungen";
        oauth = "OAuth 2.0", "OAuth 2.0";
        portal = "This portal", "Dieses Portal";
        about(topic) = "Help: {topic}", "Hilfe: {topic}";
    }
}
