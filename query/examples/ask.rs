fn main() {
    let rt = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let t = std::time::Instant::now();
    let args: Vec<String> = std::env::args().collect();
    let path = if args[1] == "fixture" {
        taffrail_trace::fixture::write_incident(&std::env::temp_dir())
    } else {
        args[1].clone().into()
    };
    let f: taffrail_query::Format = args[2].parse().unwrap();
    rt.block_on(async {
        let s = taffrail_query::Session::open(&[path]).await.unwrap();
        eprintln!("open {:?}", t.elapsed());
        for sql in &args[3..] {
            let t = std::time::Instant::now();
            let mut style = taffrail_query::Style::new(f);
            style.width = std::env::var("W").ok().and_then(|w| w.parse().ok());
            match s.run(sql, &style, &mut std::io::stdout()).await {
                Ok(w) => eprintln!("{w:?} {:?} read {}", t.elapsed(), s.read_bytes()),
                Err(e) => eprintln!("ERR {e}"),
            }
        }
    });
}
