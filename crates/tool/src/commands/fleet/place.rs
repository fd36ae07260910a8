//! Which store a folder ships to: `.events.fleet`, one JSON object, readable by its owner alone.
//!
//! ```text
//! what the call says  >  $GUIDANCE_FLEET_*  >  the file  >  the variables of PostgreSQL
//! ```
//!
//! Invariant: no password is in it. A folder can come from a stranger, with such a file in it; so only a call of `fleet`
//! follows it, and says where to, and the user's environment counts for more.

use std::fs;
use std::io::ErrorKind;

use fleet::Settings;
use fleet::protocol::Ledger;
use fleet::schema::{Schema, check_ledger};
use fleet::settings::{Surroundings, without_password};

use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::exit::{Failure, Result};
use crate::folder::Folder;
use crate::json::compose::Object;
use crate::json::value::parse;
use crate::whole_file::Draft;

/// The file.
const NAME: &str = ".events.fleet";
/// No such file is longer.
const MOST: u64 = 64 << 10;

/// A store, and a ledger in it.
pub(crate) struct Place {
    pub(crate) settings: Settings,
    pub(crate) ledger: Ledger,
    pub(crate) label: Option<String>,
    /// The address as it may be kept; `None` if it comes from libpq's variables.
    address: Option<String>,
}

/// The variable that names the store.
pub(crate) const ADDRESS: &str = "GUIDANCE_FLEET_URL";

/// A variable of the environment; an empty one counts for none.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Place {
    /// See the head of this file.
    pub(crate) fn chosen(context: &Context, args: &FleetArgs) -> Result<Self> {
        let kept = Kept::read(&context.folder)?;
        let address = args.url.clone().or_else(|| variable(ADDRESS)).or(kept.url);
        let named = ["PGHOST", "PGHOSTADDR", "PGSERVICE"].iter().any(|name| variable(name).is_some());
        if address.is_none() && !named {
            let message = "no store is named: neither by --url nor by $GUIDANCE_FLEET_URL or $PGHOST";
            return Err(Failure::usage(
                message,
                context.call_with("init --url postgres://USER@HOST/DATABASE"),
            ));
        }
        let settings = Settings::new(address.as_deref(), &Surroundings::of_process())?;
        let name = args.ledger.clone().or_else(|| variable("GUIDANCE_FLEET_LEDGER")).or(kept.ledger);
        let name = name.unwrap_or_else(|| "default".to_owned());
        check_ledger(&name)?;
        Ok(Self {
            settings,
            ledger: Ledger { schema: schema(args, kept.schema)?, name },
            label: args.label.clone().or_else(|| variable("GUIDANCE_FLEET_LABEL")).or(kept.label),
            address: address.map(|address| without_password(&address)).transpose()?,
        })
    }

    /// Keeps it in the folder.
    pub(crate) fn keep(&self, folder: &Folder) -> Result<()> {
        let mut said = Object::new();
        if let Some(address) = &self.address {
            said.string("url", address);
        }
        said.string("ledger", &self.ledger.name).string("schema", self.ledger.schema.name());
        if let Some(label) = &self.label {
            said.string("label", label);
        }
        let ours = |name: &str| name.starts_with("..events.fleet.");
        let mut draft = Draft::at(folder.file(NAME), &ours)?;
        std::io::Write::write_all(&mut draft, &[said.text(), b"\n".to_vec()].concat())
            .map_err(|error| Failure::io("write", &folder.file(NAME), &error))?;
        draft.finish()
    }
}

/// The schema that the call, the environment or the folder names.
pub(crate) fn schema(args: &FleetArgs, kept: Option<String>) -> Result<Schema> {
    let name = args.schema.clone().or_else(|| variable("GUIDANCE_FLEET_SCHEMA")).or(kept);
    Ok(name.map(|name| Schema::new(&name)).transpose()?.unwrap_or_default())
}

/// What the file says.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) url: Option<String>,
    pub(crate) ledger: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) label: Option<String>,
}

impl Kept {
    pub(crate) fn read(folder: &Folder) -> Result<Self> {
        let path = folder.file(NAME);
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            other => other.map_err(|error| Failure::io("lstat", &path, &error))?,
        };
        let wrong =
            || Failure::System(format!("{NAME} is damaged; write it anew with: guidance-ledger fleet init"));
        if !metadata.is_file() || metadata.len() > MOST {
            return Err(wrong());
        }
        let text = fs::read(&path).map_err(|error| Failure::io("read", &path, &error))?;
        let value = parse(&text).filter(|value| value.is_object()).ok_or_else(wrong)?;
        let get = |name: &[u8]| {
            let text = value.get(name)?.string()?;
            String::from_utf8(text.into_owned()).ok()
        };
        Ok(Self { url: get(b"url"), ledger: get(b"ledger"), schema: get(b"schema"), label: get(b"label") })
    }
}
