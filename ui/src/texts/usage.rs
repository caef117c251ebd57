//! How APIs are used.

crate::texts! {
    /// How APIs are used.
    Usage {
        table = "Table", "Tabelle";
        highest(value, label) = "Highest: {value} at {label}", "Höchstwert: {value} bei {label}";
        no_values = "Nothing was measured", "Nichts gemessen";
        period = "Period", "Zeitraum";
        one_hour = "1 h", "1 h";
        one_day = "24 h", "24 h";
        one_week = "7 d", "7 T";
        one_month = "30 d", "30 T";
        one_quarter = "90 d", "90 T";
        minute = "Minute", "Minute";
        hour = "Hour", "Stunde";
        day = "Day", "Tag";
        calls = "Calls", "Aufrufe";
        calls_a_minute = "Calls a minute", "Aufrufe je Minute";
        calls_an_hour = "Calls an hour", "Aufrufe je Stunde";
        calls_a_day = "Calls a day", "Aufrufe je Tag";
        succeeded = "Succeeded", "Erfolgreich";
        rejected = "Rejected, 4xx", "Abgewiesen, 4xx";
        failed = "Failed, 5xx", "Fehlgeschlagen, 5xx";
        errors = "Errors", "Fehler";
        error_rate = "Error rate", "Fehlerquote";
        response_time = "Response time", "Antwortzeit";
        no_calls = "No calls in this period.", "Keine Aufrufe in diesem Zeitraum.";
        told_apart = "Told apart by", "Aufgeteilt nach";
        by_api = "APIs", "APIs";
        by_plan = "Plans", "Tarife";
        by_application = "Applications", "Anwendungen";
        inactive = "Applications without a call", "Anwendungen ohne Aufruf";
        no_inactive = "Every application has made calls.", "Alle Anwendungen haben aufgerufen.";
        operation = "Operation", "Operation";
        operations = "Operations", "Operationen";
        api = "API", "API";
        all_apis = "All APIs", "Alle APIs";
        show = "Show", "Anzeigen";
        limits = "Limits", "Limits";
        this_window(window) = "This {window}", "Laufend: {window}";
        of_limit(limit) = "of {limit}", "von {limit}";
        resets_in(time) = "resets in {time}", "neu in {time}";
        above_80 = "Above 80%", "Über 80 %";
        used_up = "Used up", "Ausgeschöpft";
        plan_limit(limit) = "Plan limit {limit} a day", "Limit des Tarifs: {limit} je Tag";
        window_minute = "minute", "Minute";
        window_hour = "hour", "Stunde";
        window_day = "day", "Tag";
        window_month = "month", "Monat";
        window_year = "year", "Jahr";
        usage = "Usage", "Nutzung";
    }
}
