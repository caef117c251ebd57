//! Plans and their limits.

crate::texts! {
    /// Plans and their limits.
    Plans {
        plan = "Plan", "Tarif";
        plans = "Plans", "Tarife";
        access = "Access", "Zugang";
        per_second = "Per second", "Pro Sekunde";
        per_minute = "Per minute", "Pro Minute";
        per_hour = "Per hour", "Pro Stunde";
        per_day = "Per day", "Pro Tag";
        per_month = "Per month", "Pro Monat";
        per_year = "Per year", "Pro Jahr";
        a_second(calls) = "{calls} a second", "{calls} je Sekunde";
        a_minute(calls) = "{calls} a minute", "{calls} je Minute";
        an_hour(calls) = "{calls} an hour", "{calls} je Stunde";
        a_day(calls) = "{calls} a day", "{calls} je Tag";
        a_month(calls) = "{calls} a month", "{calls} je Monat";
        a_year(calls) = "{calls} a year", "{calls} je Jahr";
        no_limit = "No limit", "Kein Limit";
        no_limits = "No limit on calls", "Aufrufe ohne Limit";
        limits = "Limits", "Limits";
        at_once = "At once", "Sofort";
        after_approval = "After approval", "Nach Freigabe";
        approval = "Approval", "Freigabe";
        choose = "Choose", "Wählen";
        choose_named(name) = "Choose {name}", "{name} wählen";
        group_only(group) = "Only for group “{group}”. Ask us to add you.", "Nur für die Gruppe „{group}“. Bitten Sie uns, Sie aufzunehmen.";
    }
}
