//! The operation reference.

crate::texts! {
    /// The operation reference.
    Reference {
        title = "Reference", "Referenz";
        try_it = "Try it", "Ausprobieren";
        operations = "Operations", "Operationen";
        other = "Other", "Weitere";
        path = "Path", "Pfad";
        query = "Query", "Query";
        header = "Header", "Header";
        cookie = "Cookie", "Cookie";
        form = "Form", "Formular";
        body = "Body", "Body";
        responses = "Responses", "Antworten";
        required = "required", "Pflicht";
        deprecated = "Deprecated", "Veraltet";
        read_only = "read only", "nur lesen";
        write_only = "write only", "nur schreiben";
        nullable = "may be null", "darf null sein";
        default = "default", "Vorgabe";
        any = "any value", "beliebiger Wert";
        recursive(name) = "As {name} above.", "Wie {name} weiter oben.";
        cut = "Deeper levels are in the definition.", "Tiefere Ebenen stehen in der Definition.";
        plural fields = "{n} field" | "{n} fields", "{n} Feld" | "{n} Felder";
        one_of = "One of these", "Eines davon";
        any_of = "One or more of these", "Eines oder mehrere davon";
        variant(number) = "Variant {number}", "Variante {number}";
        items = "Each element", "Jedes Element";
        values_of = "Values of other names", "Werte unter anderen Namen";
        up_to_characters(n) = "up to {n} characters", "bis {n} Zeichen";
        from_characters(n) = "from {n} characters", "ab {n} Zeichen";
        characters(min, max) = "{min} to {max} characters", "{min} bis {max} Zeichen";
        values(min, max) = "{min} to {max}", "{min} bis {max}";
        elements(min, max) = "{min} to {max} elements", "{min} bis {max} Elemente";
        not_empty = "not empty", "nicht leer";
        from_value(n) = "from {n}", "ab {n}";
        above(n) = "above {n}", "größer als {n}";
        to_value(n) = "to {n}", "bis {n}";
        below(n) = "below {n}", "kleiner als {n}";
        from_items(n) = "from {n} elements", "ab {n} Elementen";
        up_to_items(n) = "up to {n} elements", "bis {n} Elemente";
        pattern = "pattern", "Muster";
        array_of(kind) = "array of {kind}", "Array aus {kind}";
        no_body = "No body", "Ohne Body";
        sample = "Sample", "Beispiel";
        sample_in(language) = "Sample in {language}", "Beispiel in {language}";
        answer = "Answer", "Antwort";
        key_note(header) = "Replace $API_KEY; it goes into the header {header}.", "Ersetzen Sie $API_KEY; er steht im Header {header}.";
        token_note = "Replace $TOKEN by an access token.", "Ersetzen Sie $TOKEN durch ein Access Token.";
        scope(name) = "Scope {name}", "Scope {name}";
        no_definition = "This API has no definition that can be read. Its owner has to repair it.", "Diese API hat keine lesbare Definition. Ihr Eigentümer muss sie reparieren.";
        no_operations = "The definition of this API has no operation.", "Die Definition dieser API enthält keine Operation.";
        download = "OpenAPI", "OpenAPI";
    }
}
