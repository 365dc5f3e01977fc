# Collects the second line of each run's ion chamber count into a table.
BEGIN { print "run,ic_counts" }
FNR == 2 {
    run = FILENAME
    sub(/_gated_ic_scaler\.txt$/, "", run)
    sub(/.*run_/, "", run)
    print run "," $0
}
