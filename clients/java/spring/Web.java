// SPDX-License-Identifier: Apache-2.0

import com.sun.net.httpserver.*;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.Executors;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.core.RedisTemplate;
import org.springframework.data.redis.serializer.RedisSerializer;
import org.springframework.session.Session;
import org.springframework.session.SessionRepository;
import org.springframework.session.data.redis.RedisSessionRepository;

/**
 * One of the five web applications that sessions_test.go knows, with the
 * session of Spring and the JDK's own web server: Web HOST PORT.
 */
public class Web {
    public static void main(String[] args) throws IOException {
        var connections = new LettuceConnectionFactory("127.0.0.1", 6379);
        connections.afterPropertiesSet();
        connections.start();
        var redis = new RedisTemplate<String, Object>();
        redis.setConnectionFactory(connections);
        redis.setKeySerializer(RedisSerializer.string());
        redis.setHashKeySerializer(RedisSerializer.string());
        redis.afterPropertiesSet();
        var sessions = new RedisSessionRepository(redis);
        sessions.setDefaultMaxInactiveInterval(Duration.ofHours(1));

        var server = HttpServer.create(new InetSocketAddress(args[0], Integer.parseInt(args[1])), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", x -> {
            try {
                serve(sessions, x);
            } catch (RuntimeException e) {
                e.printStackTrace();
                answer(x, 500, e.toString());
            }
        });
        server.start();
    }

    static <S extends Session> void serve(SessionRepository<S> sessions, HttpExchange x) throws IOException {
        String cookie = x.getRequestHeaders().getFirst("Cookie");
        S s = cookie == null ? null : sessions.findById(cookie.replace("id=", ""));
        switch (x.getRequestURI().getPath()) {
            case "/login" -> {
                S fresh = sessions.createSession();
                fresh.setAttribute("user", x.getRequestURI().getQuery().replace("user=", ""));
                fresh.setAttribute("count", 0);
                sessions.save(fresh);
                x.getResponseHeaders().set("Set-Cookie", "id=" + fresh.getId() + "; HttpOnly; SameSite=Lax");
                answer(x, 200, "hello " + fresh.getAttribute("user"));
            }
            case "/count" -> {
                if (s == null) {
                    answer(x, 401, "");
                    return;
                }
                int n = s.<Integer>getAttribute("count") + 1;
                s.setAttribute("count", n);
                sessions.save(s);
                answer(x, 200, s.getAttribute("user") + " " + n);
            }
            case "/logout" -> {
                sessions.deleteById(s.getId());
                answer(x, 200, "bye");
            }
            default -> answer(x, 200, "ready");
        }
    }

    static void answer(HttpExchange x, int status, String text) throws IOException {
        x.sendResponseHeaders(status, text.isEmpty() ? -1 : text.length());
        x.getResponseBody().write(text.getBytes());
        x.close();
    }
}
