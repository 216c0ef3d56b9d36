// SPDX-License-Identifier: Apache-2.0

import io.lettuce.core.*;
import io.lettuce.core.support.caching.*;
import java.io.*;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lettuce with client-side caching, talked to by lines as Jedis is: "get KEY"
 * answers with "VALUE hits HITS".
 */
public class Driver {
    public static void main(String[] args) throws IOException {
        var client = RedisClient.create("redis://127.0.0.1:6379/" + args[0]);
        var connection = client.connect();
        var plain = client.connect().sync();
        var kept = new ConcurrentHashMap<String, String>();
        var cache = ClientSideCaching.enable(CacheAccessor.forMap(kept), connection, TrackingArgs.Builder.enabled());
        System.out.println("ready");
        var in = new BufferedReader(new InputStreamReader(System.in));
        long hits = 0;
        for (String line; (line = in.readLine()) != null; ) {
            String[] w = line.split(" ");
            String answer;
            try {
                switch (w[1]) {
                    case "get" -> {
                        if (kept.containsKey(w[2])) {
                            hits++;
                        }
                        answer = cache.get(w[2]) + " hits " + hits;
                    }
                    case "set" -> answer = plain.set(w[2], w[3]);
                    case "del" -> answer = "" + plain.del(w[2]);
                    default -> answer = "what?";
                }
            } catch (RuntimeException e) {
                answer = "error: " + e;
            }
            System.out.println(w[0] + " " + answer);
        }
        client.shutdown();
    }
}
