//! The executable: a call in, an exit code out. All else is in the library.

fn main() -> std::process::ExitCode {
    guidance_ledger_tool::main()
}
