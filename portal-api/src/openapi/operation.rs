//! One operation of the API as its description tells of it.

use sdk::types::{
    Page,
    page::{CursorPage, Id},
};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, Ref, RefOr, Schema,
        schema::{AdditionalProperties, Array, ObjectBuilder, OneOfBuilder, Type},
    },
};

/// The named schemas that operations refer to.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// Makes a schema, and adds the named ones it needs.
type MakeSchema = fn(&mut Schemas) -> RefOr<Schema>;

/// Who may call an operation, beside the scopes (portal-api 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, without any proof.
    Open,
    /// Whoever has the scope.
    Scope,
    /// Whoever has the scope; what he sees depends on his groups.
    Filtered,
    /// Users whose address is confirmed.
    Validated,
    /// The user himself and administrators.
    Own,
    /// Users with any role on the application.
    Reader,
    /// Readers, and approvers for APIs of their groups.
    ReaderOrApprover,
    /// Collaborators and owners of the application.
    Collaborator,
    /// Collaborators and owners, and approvers for APIs of their groups.
    CollaboratorOrApprover,
    /// Owners of the application.
    Owner,
    /// Members of the team.
    Member,
    /// Owners of the team.
    TeamOwner,
    /// Administrators, and approvers for APIs of their groups.
    Approver,
    /// Administrators, and the group that owns the API.
    OwnerGroup,
    Admin,
    /// Calls from inside the network.
    Internal,
    /// Our own services, acting as themselves.
    Service,
}

impl Who {
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Open => "Open to everybody.",
            Self::Scope => "For every caller with the scope, with or without a user.",
            Self::Filtered => {
                "For every caller with the scope; what is shown depends on the user's groups."
            }
            Self::Validated => "For users whose mail address is confirmed.",
            Self::Own => "For the user himself and administrators.",
            Self::Reader => "For users with a role on the application, and administrators.",
            Self::ReaderOrApprover => {
                "For users with a role on the application, administrators, and approvers as far as \
                 the APIs of their groups go."
            }
            Self::Collaborator => {
                "For owners and collaborators of the application, and administrators."
            }
            Self::CollaboratorOrApprover => {
                "For owners and collaborators of the application, administrators, and approvers as \
                 far as the APIs of their groups go."
            }
            Self::Owner => "For owners of the application, and administrators.",
            Self::Member => "For members of the team, and administrators.",
            Self::TeamOwner => "For owners of the team, and administrators.",
            Self::Approver => {
                "For administrators, and approvers as far as the APIs of their groups go."
            }
            Self::OwnerGroup => "For administrators and members of the group that owns the API.",
            Self::Admin => "For administrators.",
            Self::Internal => "For calls from inside the network.",
            Self::Service => "For our own services, by service token.",
        }
    }
}

/// A body: its media type and its schema.
#[derive(Clone, Copy)]
pub struct Content {
    pub media_type: &'static str,
    pub schema: MakeSchema,
}

/// A query parameter.
#[derive(Clone, Copy)]
pub struct Query {
    pub name: &'static str,
    pub description: &'static str,
    pub required: bool,
}

/// One operation. Built by the functions and methods below.
pub struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    pub who: Who,
    pub scopes: &'static [&'static str],
    pub query: Vec<Query>,
    pub headers: Vec<Query>,
    pub request: Option<Content>,
    pub example: Option<Value>,
    pub status: u16,
    pub answer: Option<Content>,
    /// Takes `If-Match`.
    pub conditional: bool,
    /// Statuses of refusals beside those that follow from the members above.
    pub refusals: Vec<u16>,
}

pub fn get(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("GET", path, summary, 200)
}

pub fn post(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("POST", path, summary, 201)
}

pub fn put(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("PUT", path, summary, 204)
}

pub fn patch(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("PATCH", path, summary, 200)
}

pub fn delete(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("DELETE", path, summary, 204)
}

impl Operation {
    fn new(method: &'static str, path: &'static str, summary: &'static str, status: u16) -> Self {
        Self {
            method,
            path,
            summary,
            description: "",
            who: Who::Open,
            scopes: &[],
            query: Vec::new(),
            headers: Vec::new(),
            request: None,
            example: None,
            status,
            answer: None,
            conditional: false,
            refusals: Vec::new(),
        }
    }

    pub fn who(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    pub fn scope(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = scopes;
        self
    }

    pub fn about(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    pub fn query(mut self, name: &'static str, description: &'static str) -> Self {
        self.query.push(Query {
            name,
            description,
            required: false,
        });
        self
    }

    pub fn header(mut self, name: &'static str, description: &'static str) -> Self {
        self.headers.push(Query {
            name,
            description,
            required: false,
        });
        self
    }

    /// The body of the request, with an example of it.
    pub fn takes<T: ToSchema>(mut self, example: Value) -> Self {
        self.request = Some(Content {
            media_type: "application/json",
            schema: named::<T>,
        });
        self.example = Some(example);
        self
    }

    pub fn takes_list<T: ToSchema>(mut self, example: Value) -> Self {
        self.request = Some(Content {
            media_type: "application/json",
            schema: array::<T>,
        });
        self.example = Some(example);
        self
    }

    /// A file that means nothing to anybody else.
    pub fn takes_bytes(mut self) -> Self {
        self.request = Some(Content {
            media_type: "application/octet-stream",
            schema: |_| Object::with_type(Type::String).into(),
        });
        self
    }

    /// A body whose members the configuration decides.
    pub fn takes_object(mut self, example: Value) -> Self {
        self.request = Some(Content {
            media_type: "application/json",
            schema: any_object,
        });
        self.example = Some(example);
        self
    }

    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn answers_with(mut self, media_type: &'static str, schema: MakeSchema) -> Self {
        self.answer = Some(Content { media_type, schema });
        self
    }

    pub fn answers<T: ToSchema>(self) -> Self {
        self.answers_with("application/json", named::<T>)
    }

    pub fn answers_list<T: ToSchema>(self) -> Self {
        self.answers_with("application/json", array::<T>)
    }

    /// Ids in a plain array, or a page of them by cursor.
    pub fn answers_texts(self) -> Self {
        self.short().answers_with("application/json", |_| {
            let texts = || Array::new(ObjectBuilder::new().schema_type(Type::String)).into();
            one_of([texts(), with_items(cursor_envelope(), texts())])
        })
    }

    /// A list of the configuration in an envelope of its own, or a page of it by cursor.
    pub fn answers_or_page<E: ToSchema, T: ToSchema>(self) -> Self {
        self.short().answers_with("application/json", |schemas| {
            one_of([named::<E>(schemas), cursor_page::<T>(schemas)])
        })
    }

    /// An array in the order of the configuration, or a page by cursor.
    pub fn answers_short_list<T: ToSchema>(self) -> Self {
        self.short().answers_with("application/json", |schemas| {
            one_of([array::<T>(schemas), cursor_page::<T>(schemas)])
        })
    }

    /// Things by their ids, or a page of them by cursor.
    pub fn answers_map_or_page<T: ToSchema>(self) -> Self {
        self.short().answers_with("application/json", |schemas| {
            let map = ObjectBuilder::new()
                .schema_type(Type::Object)
                .additional_properties(Some(named::<T>(schemas)));
            one_of([map.into(), cursor_page::<T>(schemas)])
        })
    }

    pub fn answers_object(self) -> Self {
        self.answers_with("application/json", any_object)
    }

    pub fn answers_number(self) -> Self {
        self.answers_with("application/json", |_| {
            Object::with_type(Type::Integer).into()
        })
    }

    /// A body that is no JSON.
    pub fn answers_text(self, media_type: &'static str) -> Self {
        self.answers_with(media_type, |_| Object::with_type(Type::String).into())
    }

    /// A list of one user or the like: complete, in the envelope of lists.
    pub fn answers_complete<T: ToSchema>(self) -> Self {
        self.cursor()
            .answers_with("application/json", any_page::<T>)
    }

    /// A list in pages, by offset or by cursor.
    pub fn answers_page<T: ToSchema>(self) -> Self {
        self.paged().answers_with("application/json", any_page::<T>)
    }

    /// As [`Operation::answers_page`]; without `embed` the items are ids.
    pub fn answers_page_of_ids_or<T: ToSchema>(self) -> Self {
        self.paged()
            .query("embed", "`1` or `true`: full objects instead of ids")
            .answers_with("application/json", |schemas| {
                one_of([any_page::<Id>(schemas), any_page::<T>(schemas)])
            })
    }

    /// As [`Operation::answers_page`]; look-ups answer an array.
    pub fn answers_page_or_one<T: ToSchema>(self) -> Self {
        self.paged().answers_with("application/json", |schemas| {
            one_of([any_page::<T>(schemas), array::<T>(schemas)])
        })
    }

    /// As [`Operation::answers_page`], of items whose members callers decide.
    pub fn answers_page_of_objects(self) -> Self {
        self.paged().answers_with("application/json", any_object)
    }

    /// A page by cursor whatever is asked; the operation tells of its query itself.
    pub fn answers_cursor_page<T: ToSchema>(self) -> Self {
        self.answers_with("application/json", cursor_page::<T>)
    }

    /// A page by offset; likewise.
    pub fn answers_plain_page<T: ToSchema>(self) -> Self {
        self.answers_with("application/json", page::<T>)
    }

    /// A plain array, or a page by cursor.
    pub fn answers_list_or_page<T: ToSchema>(self) -> Self {
        self.cursor().answers_with("application/json", |schemas| {
            one_of([array::<T>(schemas), cursor_page::<T>(schemas)])
        })
    }

    fn paged(self) -> Self {
        self.query(
            "offset",
            "Items to leave out; acts together with `limit` only",
        )
        .query("no_cache", "Without meaning; counts are always current")
        .cursor()
    }

    /// Complete, or by cursor in the order of the ids.
    fn short(self) -> Self {
        self.query("limit", "With `cursor`: most items, 1 to 500, 50 if absent")
            .query(
                "cursor",
                "Empty for the first page, then `next` of the page before; in the order of the ids",
            )
    }

    fn cursor(self) -> Self {
        self.query(
            "limit",
            "Most items of the answer. By offset: 0 or absent = all, at most 10,000; by cursor: \
             1 to 500, 50 if absent",
        )
        .query(
            "cursor",
            "Empty for the first page, then `next` of the page before. Pages by cursor lose and \
             repeat nothing while others write",
        )
        .query(
            "filter",
            "JSON object, every member has to match. A text matches as a part, without regard to \
             case. With `cursor` a member may also be an object of the operators `eq`, `in`, `lt`, \
             `gt`",
        )
        .query("order_by", "`<field> ASC` or `<field> DESC`")
    }

    /// Is carried out only from a state that the caller names, if he does.
    pub fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    pub fn refuses(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend_from_slice(statuses);
        self
    }

    /// Whether the address names one thing, whose state has an `ETag`.
    pub fn names_one(&self) -> bool {
        self.path.ends_with('}') && !self.path.ends_with("/{*path}")
    }
}

fn named<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    Ref::from_schema_name(T::name()).into()
}

fn array<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    Array::new(named::<T>(schemas)).into()
}

/// `Page` with items of this kind. Spelled out, because one name has one schema.
fn page<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    with_items(<Page<Value>>::schema(), array::<T>(schemas))
}

fn cursor_page<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    with_items(cursor_envelope(), array::<T>(schemas))
}

fn cursor_envelope() -> RefOr<Schema> {
    <CursorPage<Value>>::schema()
}

fn any_page<T: ToSchema>(schemas: &mut Schemas) -> RefOr<Schema> {
    one_of([page::<T>(schemas), cursor_page::<T>(schemas)])
}

fn with_items(envelope: RefOr<Schema>, items: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = envelope else {
        return envelope;
    };
    object.properties.insert("items".to_owned(), items);
    Schema::Object(object).into()
}

fn one_of<const N: usize>(schemas: [RefOr<Schema>; N]) -> RefOr<Schema> {
    let choices = schemas
        .into_iter()
        .fold(OneOfBuilder::new(), OneOfBuilder::item);
    Schema::OneOf(choices.build()).into()
}

fn any_object(_: &mut Schemas) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .into()
}
