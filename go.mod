module lateral

go 1.26.8
