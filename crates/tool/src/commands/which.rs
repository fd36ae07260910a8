//! `which`: where this executable is.

use crate::call::commands::CommonArgs;
use crate::exit::{Exit, Result};
use crate::folder::shown;
use crate::json::compose::Object;
use crate::place::executable;
use crate::report::Output;

pub(crate) fn run(common: &CommonArgs) -> Result<Exit> {
    let path = executable()?;
    let mut out = Output::new();
    if common.json {
        out.json(&Object::new().string("executable", &path.to_string_lossy()).text())?;
    } else {
        out.line(&shown(&path))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
