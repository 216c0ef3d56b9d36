<?php
// SPDX-License-Identifier: Apache-2.0
//
// Runs one test of phpredis' own suite, or lists them: a test that waits for
// ever for a command that is not there must not keep the others from running.
//
//   php suite.php DIR               the names of all tests, one a line
//   php suite.php DIR HOST PORT NAME    passed, skipped or failed, and why
[$_, $dir, $host, $port, $name] = $argv + ['', '', '', '', ''];
define('PHPREDIS_TESTRUN', true);
error_reporting(E_ALL & ~E_DEPRECATED);
$_SERVER['PHP_SELF'] = "$dir/suite.php"; // where the suite looks for its parts
require "$dir/TestSuite.php";
require "$dir/RedisTest.php";

if ($name === '') {
    foreach ((new ReflectionClass('Redis_Test'))->getMethods(ReflectionMethod::IS_PUBLIC) as $m) {
        if (str_starts_with($m->name, 'test')) {
            echo $m->name, "\n";
        }
    }
    exit;
}
try {
    $test = new Redis_Test($host, (int) $port, null);
    $test->setUp();
    $test->$name();
    $why = implode(' ', Redis_Test::$errors);
} catch (Throwable $e) {
    if ($e instanceof TestSkippedException) {
        exit("skipped\n");
    }
    $why = get_class($e) . ': ' . $e->getMessage();
}
echo $why === '' ? "passed\n" : 'failed ' . strtr($why, "\n", ' ') . "\n";
