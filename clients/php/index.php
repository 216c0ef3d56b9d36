<?php
// SPDX-License-Identifier: Apache-2.0
//
// One of the five web applications that sessions_test.go knows: /login, /count
// and /logout. With ?pause=MS a count takes its time between reading and
// writing, as a slow request would.

session_start();
switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/login':
        session_regenerate_id(true);
        $_SESSION = ['user' => $_GET['user'], 'count' => 0];
        echo "hello {$_GET['user']}";
        break;
    case '/count':
        if (!isset($_SESSION['user'])) {
            http_response_code(401);
            break;
        }
        $n = $_SESSION['count'] + 1;
        error_log("counting to $n");
        usleep(1000 * (int)($_GET['pause'] ?? 0));
        $_SESSION['count'] = $n;
        session_write_close();
        echo "{$_SESSION['user']} $n";
        break;
    case '/logout':
        session_destroy();
        echo 'bye';
        break;
    default:
        echo 'ready';
}
