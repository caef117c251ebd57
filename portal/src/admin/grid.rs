//! Long lists: page, order and filter in the address (portal-ui 5.6), a table made by the server.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use sdk::types::{ListQuery, page::Walk};
use serde_json::{Map, Value};
use ui::{Breakable, Frame, Html, Icon, texts};
use url::form_urlencoded;

use crate::{links, pager::Shown};

const PAGE_SIZE: usize = 10;
const MAX_PAGE_SIZE: usize = 1000;
/// Pages further on are not asked for.
const MAX_PAGE: usize = 10_000_000;
const MAX_PARAMETERS: usize = 100;
const MAX_VALUE: usize = 200;

/// A field by which one can filter or sort.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its parameter.
    pub name: &'static str,
    /// What portal-api calls it.
    pub api: &'static str,
}

impl Field {
    /// A field with the same name here and there.
    pub const fn plain(name: &'static str) -> Self {
        Self { name, api: name }
    }
}

/// What is asked of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    path: &'static str,
    page: usize,
    size: usize,
    /// Parameter of the field, its name in portal-api, and whether the order is reversed.
    sort: Option<(&'static str, &'static str, bool)>,
    /// Parameter, name in portal-api, and what has to be part of the value.
    filter: Vec<(&'static str, &'static str, String)>,
    fresh: bool,
}

impl Grid {
    /// Reads a query. What it does not know, or cannot read, counts as not given: old bookmarks
    /// have all kinds of parameters.
    pub fn read(path: &'static str, query: &str, fields: &[Field]) -> Self {
        let mut grid = Self {
            path,
            page: 1,
            size: PAGE_SIZE,
            sort: None,
            filter: Vec::new(),
            fresh: false,
        };
        let mut sort = String::new();
        let mut reversed = false;
        for (name, value) in form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMETERS) {
            let value = value.trim();
            match name.as_ref() {
                "pageIndex" => grid.page = number(value, 1, MAX_PAGE),
                "pageSize" => grid.size = number(value, PAGE_SIZE, MAX_PAGE_SIZE),
                "sortField" => value.clone_into(&mut sort),
                "sortOrder" => reversed = value.eq_ignore_ascii_case("desc"),
                "no_cache" => grid.fresh = matches!(value, "1" | "true"),
                name => {
                    let field = fields.iter().find(|field| field.name == name);
                    if let Some(field) = field.filter(|_| !value.is_empty()) {
                        let value = value.chars().take(MAX_VALUE).collect();
                        grid.filter.push((field.name, field.api, value));
                    }
                }
            }
        }
        let field = fields.iter().find(|field| field.name == sort);
        grid.sort = field.map(|field| (field.name, field.api, reversed));
        grid
    }

    /// The order when none is asked for.
    #[must_use]
    pub fn sorted_by(mut self, field: Field, reversed: bool) -> Self {
        self.sort = self.sort.or(Some((field.name, field.api, reversed)));
        self
    }

    /// What is looked for in a field; nothing if all are shown.
    pub fn wanted(&self, name: &str) -> &str {
        let found = self.filter.iter().find(|(own, _, _)| *own == name);
        found.map_or("", |(_, _, value)| value)
    }

    pub fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }

    /// The page as portal-api is asked for it.
    pub fn query(&self) -> ListQuery {
        let filter = self.filter.iter();
        ListQuery {
            offset: ((self.page - 1) * self.size) as u64,
            limit: self.size as u64,
            filter: filter
                .map(|(_, api, value)| ((*api).to_owned(), value.clone()))
                .collect(),
            order_by: self.order_by(),
            fresh: self.fresh || self.page == 1,
        }
    }

    /// The whole list, to go through it.
    pub fn walk(&self) -> Walk {
        let filter = self.filter.iter();
        Walk {
            filter: filter
                .map(|(_, api, value)| ((*api).to_owned(), Value::String(value.clone())))
                .collect::<Map<_, _>>(),
            order_by: self.order_by(),
            ..Walk::default()
        }
    }

    fn order_by(&self) -> Option<String> {
        let (_, api, reversed) = self.sort?;
        Some(format!("{api} {}", if reversed { "DESC" } else { "ASC" }))
    }

    /// The address of another list with this filter and order, such as the same one as CSV.
    pub fn url_of(&self, path: &str) -> String {
        self.url(path, 1, self.sort)
    }

    fn url(&self, path: &str, page: usize, sort: Option<(&'static str, &str, bool)>) -> String {
        let filter = self.filter.iter();
        let mut parameters: Vec<(&str, String)> = filter
            .map(|(name, _, value)| (*name, value.clone()))
            .collect();
        if let Some((field, _, reversed)) = sort {
            parameters.push(("sortField", field.to_owned()));
            let order = if reversed { "desc" } else { "asc" };
            parameters.push(("sortOrder", order.to_owned()));
        }
        if self.size != PAGE_SIZE {
            parameters.push(("pageSize", self.size.to_string()));
        }
        if page > 1 {
            parameters.push(("pageIndex", page.to_string()));
        }
        let parameters = parameters
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        links::with_query(path, parameters)
    }
}

fn number(text: &str, default: usize, most: usize) -> usize {
    let read = text.parse().ok().filter(|number| *number > 0);
    read.map_or(default, |number: usize| number.min(most))
}

/// A part of a cell.
#[derive(Clone, Debug)]
pub enum Part {
    Text(String),
    /// Below the others, smaller.
    Under(String),
    Code(String),
    /// Address and text.
    Link(String, String),
    Good(&'static str),
    Waiting(&'static str),
    Badge(&'static str),
    /// What one opens, and labels and texts of what is behind it.
    More(&'static str, Vec<(&'static str, String)>),
}

/// The parts of a cell.
pub type Cell = Vec<Part>;

/// A text, or a dash.
pub fn text(value: &str) -> Cell {
    vec![Part::Text(
        if value.is_empty() { "–" } else { value }.to_owned(),
    )]
}

/// A link, or a dash.
pub fn link(to: fn(&str) -> String, id: &str, shown: &str) -> Cell {
    if id.is_empty() {
        return text(shown);
    }
    vec![Part::Link(to(id), shown.to_owned())]
}

/// A column of the table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub label: &'static str,
    /// What it is sorted by.
    pub sort: Option<Field>,
}

/// A field of the filter.
#[derive(Clone, Debug)]
pub struct Filter {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    pub is_date: bool,
}

/// What one page has to say.
pub struct Content {
    pub title: &'static str,
    pub lead: &'static str,
    /// Something that has to be known first.
    pub note: Option<&'static str>,
    pub files: Vec<(&'static str, String)>,
    pub columns: Vec<Column>,
    pub filters: Vec<Filter>,
    pub rows: Vec<Vec<Cell>>,
    /// All that match.
    pub count: u64,
}

#[derive(Template)]
#[template(path = "admin/grid.html")]
struct GridPage {
    frame: Frame,
    side: Html,
    t: texts::Admin,
    grid: Grid,
    content: Content,
}

/// The page of a list.
pub fn page((frame, side): (Frame, Html), grid: Grid, content: Content) -> Response {
    let page = GridPage {
        t: texts::Admin(frame.lang()),
        frame,
        side,
        grid,
        content,
    };
    ui::page(StatusCode::OK, &page)
}

impl GridPage {
    /// Where a click on the head of a column leads: sorted by it, or the other way round.
    fn sort_url(&self, column: &Column) -> Option<String> {
        let field = column.sort?;
        let reversed = self.direction(column) == Some(false);
        let sort = Some((field.name, field.api, reversed));
        Some(self.grid.url(self.grid.path, 1, sort))
    }

    /// Whether the list is sorted by the column, and if so, whether it is reversed.
    fn direction(&self, column: &Column) -> Option<bool> {
        let (name, _, reversed) = self.grid.sort?;
        (column.sort?.name == name).then_some(reversed)
    }

    /// Says how many rows there are, too, so it is there for a single page.
    fn pager(&self) -> Html {
        let (grid, rows) = (&self.grid, self.content.rows.len());
        Shown::of(grid.page, grid.size, rows, self.content.count).pager_always(
            self.frame.lang(),
            self.t.pages(),
            |page| grid.url(grid.path, page, grid.sort),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &[Field] = &[
        Field::plain("name"),
        Field {
            name: "id",
            api: "userId",
        },
    ];

    fn read(query: &str) -> Grid {
        Grid::read("/admin/users", query, FIELDS)
    }

    #[test]
    fn old_parameters_become_those_of_portal_api() {
        let query =
            read("pageIndex=3&pageSize=20&sortField=id&sortOrder=desc&name=ada&id=&x=y").query();
        assert_eq!((query.offset, query.limit), (40, 20));
        assert_eq!(query.order_by.as_deref(), Some("userId DESC"));
        assert_eq!(query.filter.len(), 1);
        assert_eq!(query.filter["name"], "ada");
        assert!(!query.fresh);
        assert!(read("pageIndex=2&no_cache=1").query().fresh);
        assert!(read("").query().fresh, "the first page counts anew");
    }

    #[test]
    fn what_cannot_be_read_is_as_if_it_were_absent() {
        for query in [
            "",
            "pageIndex=0&pageSize=x",
            "pageIndex=-1&sortField=password",
        ] {
            let query = read(query).query();
            assert_eq!((query.offset, query.limit), (0, 10));
            assert_eq!(query.order_by, None);
        }
        let query = read("pageSize=1000000000&pageIndex=99999999999").query();
        assert_eq!(query.limit, MAX_PAGE_SIZE as u64);
    }

    #[test]
    fn the_state_is_in_the_address() {
        let grid = read("name=a+b&sortField=name&pageSize=50&pageIndex=2");
        assert_eq!(
            grid.url(grid.path, 3, grid.sort),
            "/admin/users?name=a+b&sortField=name&sortOrder=asc&pageSize=50&pageIndex=3"
        );
        assert_eq!(read("").url_of("/admin/users_csv"), "/admin/users_csv");
    }
}
