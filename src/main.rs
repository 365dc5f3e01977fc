//! The program `attpc`; everything it does is in the library's room `cli`.

fn main() -> std::process::ExitCode {
    attpc::cli::main()
}
