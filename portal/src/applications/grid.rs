//! Which of many applications a page shows, and in which order. Its state is in the address.

use sdk::types::Role;
use url::form_urlencoded;

use crate::{mine::Mine, pager::Shown};

/// Rows of one page.
const PAGE_SIZE: usize = 10;

/// What the address asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    pub text: String,
    column: Column,
    descending: bool,
}

/// By what one can sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Name,
    Id,
    Role,
}

impl Column {
    fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Id => "id",
            Self::Role => "userRole",
        }
    }
}

impl Grid {
    pub fn new(text: &str, field: &str, order: &str) -> Self {
        let column = match field {
            "id" => Column::Id,
            "userRole" => Column::Role,
            _ => Column::Name,
        };
        Self {
            text: text.to_owned(),
            column,
            descending: order.eq_ignore_ascii_case("desc"),
        }
    }

    /// Leaves in `all` what belongs on the page. Without a page that of `highlight`, or the first.
    pub fn arrange(
        &self,
        all: &mut Vec<Mine>,
        role: impl Fn(&Mine) -> Option<Role>,
        page: Option<usize>,
        highlight: Option<&str>,
    ) -> Shown {
        let text = self.text.to_lowercase();
        all.retain(|Mine { application, .. }| {
            application.id.contains(&text) || application.name.to_lowercase().contains(&text)
        });
        all.sort_by_cached_key(|one| {
            let first = match self.column {
                Column::Name => one.application.name.to_lowercase(),
                Column::Id => String::new(),
                Column::Role => role(one).map_or("", Role::as_str).to_owned(),
            };
            (first, one.application.id.clone())
        });
        if self.descending {
            all.reverse();
        }
        let of_highlight = || {
            let index = all
                .iter()
                .position(|one| Some(one.application.id.as_str()) == highlight)?;
            Some(index / PAGE_SIZE + 1)
        };
        let page = page.or_else(of_highlight);
        Shown::cut(all, page, PAGE_SIZE)
    }

    /// The page with this number.
    pub fn page_url(&self, page: usize) -> String {
        self.url(self.column, self.descending, page)
    }

    /// The first page, sorted by a column; in the other order if it is sorted by it already.
    pub fn sort_url(&self, column: Column) -> String {
        let turned = column == self.column && !self.descending;
        self.url(column, turned, 1)
    }

    /// For `aria-sort`.
    pub fn order_of(&self, column: Column) -> &'static str {
        match (column == self.column, self.descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }

    fn url(&self, column: Column, descending: bool, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        query.append_pair("sortField", column.field());
        query.append_pair("sortOrder", if descending { "desc" } else { "asc" });
        query.append_pair("pageIndex", &page.to_string());
        format!("/applications?{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use sdk::types::Application;

    use super::*;

    fn applications() -> Vec<Mine> {
        let of = |number: usize| Mine {
            application: Application {
                id: format!("app-{number:02}"),
                name: format!("Program {}", 30 - number),
                ..Application::default()
            },
            ..Mine::default()
        };
        (0..25).map(of).collect()
    }

    fn ids(grid: &Grid, page: Option<usize>, highlight: Option<&str>) -> (Vec<String>, Shown) {
        let mut all = applications();
        let shown = grid.arrange(&mut all, |_| None, page, highlight);
        let ids = all.into_iter().map(|one| one.application.id);
        (ids.collect(), shown)
    }

    #[test]
    fn ten_are_shown_and_pages_stay_in_bounds() {
        let grid = Grid::new("", "id", "");
        let (first, shown) = ids(&grid, None, None);
        assert_eq!((first.len(), first[0].as_str()), (10, "app-00"));
        assert_eq!(shown, Shown::of(1, 10, 10, 25));
        let (last, shown) = ids(&grid, Some(99), None);
        assert_eq!((last.len(), shown), (5, Shown::of(3, 10, 5, 25)));
    }

    #[test]
    fn a_new_one_is_on_the_page() {
        let (shown, _) = ids(&Grid::new("", "id", "desc"), None, Some("app-03"));
        assert!(shown.contains(&"app-03".to_owned()));
    }

    #[test]
    fn words_are_found_in_names_and_ids() {
        let (found, shown) = ids(&Grid::new("PROGRAM 30", "", ""), None, None);
        assert_eq!(found, ["app-00"]);
        assert_eq!(shown, Shown::of(1, 10, 1, 1));
        let (none, shown) = ids(&Grid::new(".*", "", ""), None, None);
        assert_eq!(
            (none.len(), shown),
            (0, Shown::of(1, 10, 0, 0)),
            "no pattern"
        );
    }

    #[test]
    fn a_column_turns_when_it_is_sorted_by() {
        let grid = Grid::new("a b", "id", "asc");
        assert_eq!(
            grid.sort_url(Column::Id),
            "/applications?q=a+b&sortField=id&sortOrder=desc&pageIndex=1"
        );
        assert_eq!(grid.order_of(Column::Id), "ascending");
        assert_eq!(grid.order_of(Column::Name), "none");
    }
}
