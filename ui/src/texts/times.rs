//! Numbers and times.

crate::texts! {
    /// Numbers and times.
    Times {
        thousands = ",", ".";
        decimal = ".", ",";
        percent = "%", " %";
        january = "Jan", "Januar";
        february = "Feb", "Februar";
        march = "Mar", "März";
        april = "Apr", "April";
        may = "May", "Mai";
        june = "Jun", "Juni";
        july = "Jul", "Juli";
        august = "Aug", "August";
        september = "Sep", "September";
        october = "Oct", "Oktober";
        november = "Nov", "November";
        december = "Dec", "Dezember";
        date(day, month, year) = "{day} {month} {year}", "{day}. {month} {year}";
        day_of_year(day, month, number) = "{day} {month}", "{day}.{number}.";
        moment(date, time) = "{date}, {time} UTC", "{date}, {time} UTC";
        just_now = "just now", "gerade eben";
        plural minutes_ago = "{n} minute ago" | "{n} minutes ago", "vor {n} Minute" | "vor {n} Minuten";
        plural hours_ago = "{n} hour ago" | "{n} hours ago", "vor {n} Stunde" | "vor {n} Stunden";
        plural days = "{n} day" | "{n} days", "{n} Tag" | "{n} Tage";
        days_old(days) = "{days} d", "{days} Tage";
        uptime(days, time) = "{days} days, {time}", "{days} Tage, {time}";
    }
}
