// glibc and musl have it; the headers show it to GNU programs only, of which Swift's importer makes none.
int syncfs(int fd);
