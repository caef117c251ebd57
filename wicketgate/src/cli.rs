//! The command line. Doc comments are the texts of `--help`.

#![expect(clippy::doc_markdown, reason = "help texts are not Markdown")]

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::ports::Ports;

/// Wicketgate: developer portal, API gateway and auth server in one program.
///
/// Without a command it starts everything on this machine (`wicketgate up`).
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = false)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything in one process, with SQLite and the embedded gateway
    Up(Box<Up>),
    #[command(flatten)]
    Service(Service),
    /// Ask services on this machine whether they can work; exit code 1 if one cannot
    Health(Box<Health>),
    /// Help administrators who cannot log in
    #[command(subcommand)]
    Admin(Admin),
    /// Work on a configuration folder
    #[command(subcommand)]
    Config(Config),
    /// Write the sample configuration into a new folder
    Init {
        /// The folder to make
        folder: PathBuf,
    },
    /// Work on keys
    #[command(subcommand)]
    Keys(Keys),
    /// Look at mails
    #[command(subcommand)]
    Mail(Mail),
    /// Take over the data of a wicked installation; can be repeated
    Import(Box<Import>),
    /// Print events of a running installation as they happen, for people who build listeners
    Listen(Box<Listen>),
    /// Save all data of a running installation in one encrypted file, bring it back, or move it
    #[command(subcommand)]
    Data(Data),
    /// Copy the databases of an installation on SQLite into one file, also while it runs
    Backup(Backup),
    /// Bring back what `backup` has saved; the installation must be stopped
    Restore(Restore),
    /// Look at all that an installation needs on this machine and say what to do; takes the options
    /// of `up`; exit code 1 if something is wrong
    Doctor(Box<Up>),
    /// Print the completions for a shell
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Write all pages into this folder instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write; must not exist
    pub file: PathBuf,
    /// Data folder of the installation
    #[arg(
        long,
        value_name = "DIR",
        env = "WICKETGATE_DATA",
        default_value = "data"
    )]
    pub data: PathBuf,
    /// Put the master key into the file, too: then it is enough for a restore, and has to be kept secret
    #[arg(long)]
    pub with_key: bool,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The file that `backup` has written
    pub file: PathBuf,
    /// Data folder of the installation; is made if it is not there
    #[arg(
        long,
        value_name = "DIR",
        env = "WICKETGATE_DATA",
        default_value = "data"
    )]
    pub data: PathBuf,
    /// Also if there is a database; it is kept as *.before-restore
    #[arg(long)]
    pub replace: bool,
}

/// Options of `health`.
#[derive(Debug, Args)]
pub struct Health {
    /// One service that runs alone with the settings of this environment [default: all of `up`]
    pub service: Option<service::ServiceName>,
    /// Ask again for as long until they can
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub wait: u64,
    #[command(flatten)]
    pub ports: Ports,
}

/// Options of `listen`. Each event is a line of JSON.
#[derive(Debug, Args)]
pub struct Listen {
    /// Only these kinds, such as subscription.add or 'subscription.*'; can be repeated [default: all]
    #[arg(long, value_name = "KIND")]
    pub events: Vec<String>,
    /// Post each event to the listener that is being built, signed with a secret that is printed
    #[arg(long, value_name = "URL")]
    pub to: Option<url::Url>,
    #[command(flatten)]
    pub installation: Installation,
}

#[derive(Debug, Subcommand)]
pub enum Data {
    /// Write all data into a file that only the same master key opens
    Export {
        /// The file to write
        file: PathBuf,
        #[command(flatten)]
        installation: Installation,
    },
    /// Move a stopped installation from SQLite to the empty PostgreSQL database DATABASE_URL
    Move {
        /// Data folder with the SQLite files; they stay as they are
        #[arg(
            long,
            value_name = "DIR",
            env = "WICKETGATE_DATA",
            default_value = "data"
        )]
        data: PathBuf,
    },
    /// Replace all data by that of a file; a file that is not whole changes nothing
    Import {
        /// The file to read
        file: PathBuf,
        /// Also if there is data of people already
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        installation: Installation,
    },
}

/// Where the master key of an installation is, unless the environment has it.
#[derive(Clone, Debug, Args)]
pub struct KeyFolder {
    /// Data folder that holds the master key, unless the environment has it
    #[arg(
        long,
        value_name = "DIR",
        env = "WICKETGATE_DATA",
        default_value = "data"
    )]
    pub data: PathBuf,
}

/// A running installation and its master key.
#[derive(Debug, Args)]
pub struct Installation {
    /// Address of portal-api
    #[arg(
        long,
        value_name = "URL",
        env = "PORTAL_API_URL",
        default_value = "http://127.0.0.1:3001"
    )]
    pub portal_api: url::Url,
    #[command(flatten)]
    pub keys: KeyFolder,
}

/// Options of `import`. The key PORTAL_API_AESKEY of the old installation decrypts credentials.
#[derive(Debug, Args)]
pub struct Import {
    /// The old data: postgres://USER:PASSWORD@HOST/DATABASE, or the folder of a file store
    #[arg(
        long,
        value_name = "URL|DIR",
        env = "WICKETGATE_IMPORT_FROM",
        hide_env_values = true
    )]
    pub from: String,
    /// Do everything and take it back, to see the report
    #[arg(long)]
    pub dry_run: bool,
    /// Also write the report into this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Leave out credentials that cannot be decrypted
    #[arg(long)]
    pub skip_unreadable: bool,
    /// For data from before wicked 1.0: what became of a prefix of custom ids
    #[arg(long, value_name = "OLD=NEW")]
    pub auth_method: Vec<String>,
    /// For data from before wicked 1.0: the auth method of custom ids without a prefix
    #[arg(long, value_name = "NEW")]
    pub default_auth_method: Option<String>,
    #[command(flatten)]
    pub place: Place,
}

/// Options of `up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Configuration to serve: a folder, or the URL of a git repository [default: the sample]
    #[arg(long, value_name = "DIR|GIT-URL", env = "WICKETGATE_CONFIG")]
    pub config: Option<String>,
    /// Folder for databases, keys and mails
    #[arg(
        long,
        value_name = "DIR",
        env = "WICKETGATE_DATA",
        default_value = "data"
    )]
    pub data: PathBuf,
    /// Address on which portal, auth pages and gateway listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Host name under which browsers and clients reach this machine; needed with --listen
    #[arg(long, value_name = "NAME")]
    pub public_host: Option<String>,
    /// Mail address of the first administrator
    #[arg(
        long,
        value_name = "EMAIL",
        default_value = "admin@localhost.localdomain"
    )]
    pub admin: String,
    #[command(flatten)]
    pub ports: Ports,
}

impl Default for Up {
    /// What `up` without options means.
    fn default() -> Self {
        match Cli::parse_from(["wicketgate", "up"]).command {
            Some(Command::Up(up)) => *up,
            _ => unreachable!("`up` parses as `up`"),
        }
    }
}

/// One service alone, with the settings of its environment.
#[derive(Clone, Debug, Subcommand)]
pub enum Service {
    /// Run portal-api alone
    PortalApi,
    /// Run the auth server alone
    AuthServer,
    /// Run the portal alone
    Portal,
    /// Run the gateway adapter alone
    GatewayAdapter,
    /// Run the mailer alone
    Mailer,
    /// Run the chatbot alone
    Chatbot,
    /// Run the embedded gateway alone, or work for gateways without running one
    Gateway {
        /// Serve this declarative document (JSON or YAML) and nothing else
        #[arg(long)]
        config: Option<PathBuf>,
        /// Take the sockets over from the gateway that runs on the same data folder; it ends when its
        /// requests are answered
        #[arg(long)]
        take_over: bool,
        #[command(subcommand)]
        tool: Option<Gateway>,
    },
}

/// What needs no running gateway.
#[derive(Clone, Debug, Subcommand)]
pub enum Gateway {
    /// Make a project out of chosen APIs, for a gateway that works alone
    Setup(Box<Setup>),
    /// Make an API key for a project
    Subscribe(Box<Subscribe>),
    /// Make one immutable file of a project, or show what a configuration becomes on a gateway;
    /// exit code 1 if something cannot be published
    Build(Box<Build>),
    /// Serve a file that `build` has made, needing no other service; exit code 1 if it was changed
    Run(Box<Run>),
    /// Send the usage records that `run` has written to the gateway adapter; may be repeated. It asks
    /// for proof: WICKETGATE_USAGE_TOKEN or a key
    Upload(Upload),
}

/// Options of `gateway setup`.
#[derive(Clone, Debug, Args)]
pub struct Setup {
    /// The folder to make
    pub project: PathBuf,
    /// An API that the gateway will serve; can be given several times
    #[arg(long, value_name = "ID", num_args = 1..)]
    pub api: Vec<String>,
    /// A configuration (folder or git repository), or the address of a running portal-api, whose
    /// subscriptions come along [default: http://127.0.0.1:3001]
    #[arg(long, value_name = "URL|DIR")]
    pub from: Option<String>,
    #[command(flatten)]
    pub keys: KeyFolder,
    /// Read subscriptions and keys of an existing project anew, and keep all the rest
    #[arg(long)]
    pub refresh: bool,
}

/// Options of `gateway subscribe`.
#[derive(Clone, Debug, Args)]
pub struct Subscribe {
    /// The project folder
    pub project: PathBuf,
    /// Who will call
    #[arg(long, value_name = "ID")]
    pub application: String,
    /// What they will call
    #[arg(long, value_name = "ID")]
    pub api: String,
    /// The plan that limits them
    #[arg(long, value_name = "ID")]
    pub plan: String,
}

/// Options of `gateway build`.
#[derive(Clone, Debug, Args)]
pub struct Build {
    /// The project folder; with --print any configuration folder
    pub project: PathBuf,
    /// The file to write [default: the name of the project with .microgateway]
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write a folder from which a container image can be built instead
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    pub container: Option<PathBuf>,
    /// Print the declarative document, without secrets, and write nothing
    #[arg(long, conflicts_with_all = ["out", "container", "sign_with"])]
    pub print: bool,
    /// Take the variables of env/NAME.json, too
    #[arg(long, value_name = "NAME", env = "NODE_ENV")]
    pub environment: Option<String>,
    /// Sign it with this Ed25519 key (PKCS #8, PEM)
    #[arg(long, value_name = "FILE")]
    pub sign_with: Option<PathBuf>,
    /// Something without which the gateway will not be able to work
    #[arg(long, value_name = "WHAT")]
    pub allow: Vec<Outside>,
}

/// What a microgateway may ask for at each call.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Outside {
    Redis,
    Oauth2,
    Introspection,
}

/// Options of `gateway run`. Addresses and limits come from the environment, as for `gateway`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// The file that `build` has made
    pub artefact: PathBuf,
    /// Refuse it unless it is signed with this public Ed25519 key (PEM)
    #[arg(long, value_name = "FILE")]
    pub signed_by: Option<PathBuf>,
}

/// Options of `gateway upload`.
#[derive(Clone, Debug, Args)]
pub struct Upload {
    /// Files or folders that `run` has written (usage/ in its data folder)
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Address of the gateway adapter
    #[arg(long, value_name = "URL")]
    pub to: url::Url,
    /// Remove each file that was taken
    #[arg(long)]
    pub remove: bool,
    #[command(flatten)]
    pub keys: KeyFolder,
}

/// Access to the database is the proof; each call is recorded in the audit log.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Give a user a new generated password and print it once
    ResetPassword {
        email: String,
        #[command(flatten)]
        place: Place,
    },
    /// Make an existing user an administrator
    Grant {
        email: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Where the data is. The running installation must be stopped if it uses SQLite.
#[derive(Debug, Args)]
pub struct Place {
    /// Data folder of the installation
    #[arg(
        long,
        value_name = "DIR",
        env = "WICKETGATE_DATA",
        default_value = "data"
    )]
    pub data: PathBuf,
    /// Configuration of the installation [default: the sample]
    #[arg(long, value_name = "DIR|GIT-URL", env = "WICKETGATE_CONFIG")]
    pub config: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Report everything that is wrong with a configuration folder; exit code 1 if it is refused
    Check {
        /// The folder
        folder: PathBuf,
    },
    /// Print the JSON Schemas of the files, for editors and CI
    Schema {
        /// The schema to print, for example `apis` [default: all, by name]
        name: Option<String>,
        /// Write one file per schema into this folder instead
        #[arg(long, value_name = "DIR", conflicts_with = "name")]
        out: Option<PathBuf>,
    },
    /// Print all texts of the pages, as templates/texts/LANGUAGE.json has them
    Texts {
        /// In this language: `en` or `de`
        #[arg(default_value = "en", value_parser = ["en", "de"])]
        language: String,
    },
    /// Encrypt a value for env/*.json
    Encrypt(Value),
    /// Decrypt a value of env/*.json, of wicked's format, too
    Decrypt(Value),
}

/// A value, and the key: PORTAL_CONFIG_KEY, or the key file of a configuration folder.
#[derive(Debug, Args)]
pub struct Value {
    /// The value [default: read from standard input, which no history keeps]
    pub value: Option<String>,
    /// Configuration folder with the key file
    #[arg(long, value_name = "DIR", env = "WICKETGATE_CONFIG")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Mail {
    /// Show mails with made-up content, as the templates of a configuration make them
    Preview {
        /// The mail, for example `verify_email` [default: all]
        template: Option<String>,
        /// Configuration folder with the templates [default: the sample]
        #[arg(long, value_name = "DIR", env = "WICKETGATE_CONFIG")]
        config: Option<PathBuf>,
        /// Language of the receiver, for example `de`
        #[arg(long, value_name = "LANGUAGE")]
        locale: Option<String>,
        /// Print the HTML instead of the text
        #[arg(long)]
        html: bool,
        /// Write text and HTML of each mail into this folder instead
        #[arg(long, value_name = "DIR", conflicts_with = "html")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Print a new master key
    Generate,
    /// Write the secrets of a deployment in containers into a folder; what is there stays
    Folder {
        /// The folder to make
        folder: PathBuf,
    },
    /// Print the keys that one service needs, for WICKETGATE_DERIVED_KEYS
    Derive {
        /// The service, for example `chatbot`
        #[arg(long = "for", value_name = "SERVICE")]
        service: service::ServiceName,
        #[command(flatten)]
        keys: KeyFolder,
    },
}
