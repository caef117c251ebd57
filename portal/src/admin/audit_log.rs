//! `/admin/auditlog`: who did what.

use axum::{extract::RawQuery, response::Response};
use chrono::{Days, NaiveDate};
use http::StatusCode;
use sdk::types::{ListQuery, audit::AuditEntry, page::Walk};
use serde_json::json;
use ui::{format, texts};
use url::form_urlencoded;

use super::{
    Item, administrator,
    grid::{self, Cell, Column, Content, Field, Filter, Grid, Part},
    surroundings,
};
use crate::{
    csv::{self, guarded},
    failure::Failure,
    json, links,
    visitor::Visitor,
};

const API: Field = Field::plain("api");
const APPLICATION: Field = Field::plain("application");
const PLAN: Field = Field::plain("plan");
const ACTIVITY: Field = Field::plain("activity");
const USER: Field = Field::plain("user");
const EMAIL: Field = Field::plain("email");
const ROLE: Field = Field::plain("role");
const DATE: Field = Field::plain("created_at");
const START: Field = Field::plain("startdate");
const END: Field = Field::plain("enddate");
const FIELDS: &[Field] = &[
    API,
    APPLICATION,
    PLAN,
    ACTIVITY,
    USER,
    EMAIL,
    ROLE,
    DATE,
    START,
    END,
];
/// Days that are shown when no period is asked for.
const PERIOD: Days = Days::new(30);

/// A list and the days it is about, the last one included.
struct Asked {
    grid: Grid,
    start: NaiveDate,
    end: NaiveDate,
}

impl Asked {
    fn read(query: Option<&str>) -> Result<Self, Failure> {
        let query = query.unwrap_or_default();
        let today = service::clock::now().date_naive();
        let end = date(query, "enddate")?.unwrap_or(today);
        let start = date(query, "startdate")?
            .or_else(|| end.checked_sub_days(PERIOD))
            .unwrap_or(end);
        let grid = Grid::read("/admin/auditlog", query, FIELDS).sorted_by(DATE, true);
        Ok(Self { grid, start, end })
    }

    /// The moment after the last day.
    fn after(&self) -> NaiveDate {
        self.end.checked_add_days(Days::new(1)).unwrap_or(self.end)
    }

    fn query(&self) -> ListQuery {
        let mut query = self.grid.query();
        query.filter.remove("created_at");
        let mut limit = |name: &str, date: NaiveDate| {
            query.filter.insert(name.to_owned(), date.to_string());
        };
        limit("startdate", self.start);
        limit("enddate", self.after());
        query
    }

    fn walk(&self) -> Walk {
        let mut walk = self.grid.walk();
        for name in ["startdate", "enddate", "created_at"] {
            walk.filter.remove(name);
        }
        // Both are exclusive; times are kept to the millisecond or finer.
        let start = self.start.and_time(chrono::NaiveTime::MIN).and_utc();
        let before = start - chrono::TimeDelta::nanoseconds(1000);
        let period = json!({
            "gt": before.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "lt": self.after().to_string(),
        });
        walk.filter.insert("created_at".to_owned(), period);
        walk
    }
}

/// A day of the query. A time counts as its day.
fn date(query: &str, name: &str) -> Result<Option<NaiveDate>, Failure> {
    let given = form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name);
    let Some((_, text)) = given.filter(|(_, text)| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let text = text.trim();
    let day = text.get(..10).unwrap_or(text);
    let date = day.parse().ok();
    let within = |date: &NaiveDate| (1970..=9000).contains(&chrono::Datelike::year(date));
    date.filter(within)
        .map(Some)
        .ok_or_else(|| Failure::BadRequest(format!("`{name}` has to be a date such as 2026-01-31")))
}

/// `GET /admin/auditlog`
pub async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let asked = Asked::read(query.as_deref())?;
    let records = visitor.client().audit_log(&asked.query()).await?;
    let t = texts::Admin(visitor.lang());
    if visitor.wants_json {
        let body = json!({"title": t.audit_log(), "auditlog": records});
        return Ok(json::answer(&visitor, StatusCode::OK, &body));
    }
    let lang = visitor.lang();
    let labels = [
        (DATE, t.time()),
        (ACTIVITY, t.activity()),
        (USER, t.person()),
        (ROLE, t.role()),
        (API, t.api()),
        (APPLICATION, t.application()),
        (PLAN, t.plan()),
    ];
    let grid = &asked.grid;
    let period = [
        (START, t.from_day(), asked.start),
        (END, t.to_day(), asked.end),
    ]
    .map(|(field, label, date)| Filter {
        name: field.name,
        label,
        value: date.to_string(),
        is_date: true,
    });
    let texts = [
        (ACTIVITY, t.activity()),
        (USER, t.person()),
        (EMAIL, t.email()),
        (ROLE, t.role()),
        (API, t.api()),
        (APPLICATION, t.application()),
        (PLAN, t.plan()),
    ]
    .map(|(field, label)| Filter {
        name: field.name,
        label,
        value: grid.wanted(field.name).to_owned(),
        is_date: false,
    });
    let off = !visitor.installation.keeps_audit_log;
    let content = Content {
        title: t.audit_log(),
        lead: t.audit_log_lead(),
        note: off.then(|| t.audit_log_off()),
        files: vec![
            ("CSV", grid.url_of("/admin/auditlog_csv")),
            ("JSON", grid.url_of("/admin/auditlog.jsonl")),
        ],
        columns: labels
            .map(|(field, label)| Column {
                label,
                sort: Some(field),
            })
            .to_vec(),
        filters: period.into_iter().chain(texts).collect(),
        rows: records
            .items
            .iter()
            .map(|entry| cells(entry, lang))
            .collect(),
        count: records.count,
    };
    let around = surroundings(&visitor, Item::AuditLog).await;
    Ok(grid::page(around, asked.grid, content))
}

fn cells(entry: &AuditEntry, lang: ui::Lang) -> Vec<Cell> {
    let at = entry.record.time.0;
    let text = |value: &Option<String>| grid::text(value.as_deref().unwrap_or_default());
    let mut activity = grid::text(&entry.activity);
    if entry.record.outcome == "refused" {
        activity.push(Part::Badge(texts::Admin(lang).refused()));
    }
    let details = details(entry, texts::Admin(lang));
    if !details.is_empty() {
        activity.push(Part::More(texts::Admin(lang).details(), details));
    }
    let mut person = text(&entry.user);
    if let Some(email) = &entry.email {
        person.push(Part::Under(email.clone()));
    }
    let linked = |to: fn(&str) -> String, id: &Option<String>| match id.as_deref() {
        Some(id) => grid::link(to, id, id),
        None => grid::text(""),
    };
    vec![
        vec![
            Part::Text(format::date(lang, at.date_naive())),
            Part::Under(format!("{} UTC", at.format("%H:%M:%S"))),
        ],
        activity,
        person,
        text(&entry.role),
        linked(links::api, &entry.api),
        linked(links::application, &entry.application),
        text(&entry.plan),
    ]
}

/// What a record says beside the columns.
fn details(entry: &AuditEntry, t: texts::Admin) -> Vec<(&'static str, String)> {
    let record = &entry.record;
    let json = |value: &Option<serde_json::Value>| {
        let value = value.as_ref()?;
        serde_json::to_string_pretty(value).ok()
    };
    [
        (t.before(), json(&record.before)),
        (t.after(), json(&record.after)),
        (t.source_address(), record.source_address.clone()),
        (t.correlation_id(), record.correlation_id.clone()),
    ]
    .into_iter()
    .filter_map(|(label, text)| Some((label, text?)))
    .collect()
}

/// `GET /admin/auditlog_csv`
pub async fn download(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let asked = Asked::read(query.as_deref())?;
    let client = visitor.client();
    csv::download(
        "auditlog.csv",
        &[
            "Api",
            "Application",
            "Plan",
            "Date (UTC)",
            "Activity",
            "User",
            "Email",
            "Role",
        ],
        asked.walk(),
        move |walk| {
            let client = client.clone();
            async move { client.walk_audit_log(&walk).await }
        },
        |entry| {
            let text = |value: &Option<String>| guarded(value.as_deref().unwrap_or_default());
            vec![vec![
                text(&entry.api),
                text(&entry.application),
                text(&entry.plan),
                entry.record.time.0.format("%Y-%m-%d %H:%M:%S").to_string(),
                guarded(&entry.activity),
                text(&entry.user),
                text(&entry.email),
                text(&entry.role),
            ]]
        },
    )
    .await
}

/// `GET /admin/auditlog.jsonl`: complete records, with the chain that shows whether one is missing.
pub async fn lines(visitor: Visitor, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    administrator(&visitor)?;
    let asked = Asked::read(query.as_deref())?;
    let client = visitor.client();
    csv::json_lines("auditlog.jsonl", asked.walk(), move |walk| {
        let client = client.clone();
        async move { client.walk_audit_log(&walk).await }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_included() {
        let asked = Asked::read(Some("startdate=2026-01-01&enddate=2026-01-31")).unwrap();
        let query = asked.query();
        assert_eq!(query.filter["startdate"], "2026-01-01");
        assert_eq!(query.filter["enddate"], "2026-02-01");
        assert_eq!(query.order_by.as_deref(), Some("created_at DESC"));
        let walk = asked.walk();
        assert_eq!(walk.filter.len(), 1);
        assert_eq!(
            walk.filter["created_at"],
            json!({"gt": "2025-12-31T23:59:59.999999Z", "lt": "2026-02-01"})
        );
    }

    #[test]
    fn without_a_period_it_is_the_last_month() {
        let asked = Asked::read(None).unwrap();
        assert_eq!((asked.end - asked.start).num_days(), 30);
        assert!(Asked::read(Some("startdate=yesterday")).is_err());
        assert!(Asked::read(Some("enddate=99999-01-01")).is_err());
    }
}
