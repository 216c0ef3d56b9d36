// SPDX-License-Identifier: Apache-2.0

import java.io.*;
import redis.clients.jedis.*;
import redis.clients.jedis.csc.*;

/**
 * Jedis with client-side caching, talked to by lines: "#1 get KEY" is answered
 * with "#1 VALUE hits HITS", "#2 set KEY VALUE" with its status, "#3 del KEY" with a number.
 */
public class Driver {
    public static void main(String[] args) throws IOException {
        var config = DefaultJedisClientConfig.builder().protocol(RedisProtocol.RESP3).database(Integer.parseInt(args[0])).build();
        var client = RedisClient.builder()
                .hostAndPort("127.0.0.1", 6379)
                .clientConfig(config)
                .cache(CacheFactory.getCache(CacheConfig.builder().maxSize(1000).build()))
                .build();
        System.out.println("ready");
        var in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] w = line.split(" ");
            String answer;
            try {
                answer = switch (w[1]) {
                    case "get" -> {
                        // What was invalidated is taken from the connection when it is used next.
                        String v = client.get(w[2]);
                        yield v + " hits " + client.getCache().getStats().getHitCount();
                    }
                    case "set" -> client.set(w[2], w[3]);
                    case "del" -> "" + client.del(w[2]);
                    default -> "what?";
                };
            } catch (RuntimeException e) {
                answer = "error: " + e;
            }
            System.out.println(w[0] + " " + answer);
        }
        client.close();
    }
}
