package teal.app;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken;

/** Who a client is by the word of the gateway, which has it from the other version: X-Teal-User. */
@Configuration
@ConditionalOnProperty("teal.secret")
public class Vouched {
    private static final long SECONDS = 60;
    private final Map<String, Long> nonces = new ConcurrentHashMap<>();
    private final byte[] secret;

    Vouched(@Value("${teal.secret}") String secret) {
        this.secret = secret.getBytes(StandardCharsets.UTF_8);
    }

    /** USER.TIME.NONCE.PROOF; null: it proves nothing. */
    String userOf(String said) throws GeneralSecurityException {
        var part = said.split("\\.");
        var now = System.currentTimeMillis() / 1000;
        nonces.values().removeIf(time -> time < now - 2 * SECONDS);
        var mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        var proof = mac.doFinal(said.substring(0, said.lastIndexOf('.')).getBytes(StandardCharsets.US_ASCII));
        var good = MessageDigest.isEqual(proof, Base64.getUrlDecoder().decode(part[3]))
                && Math.abs(now - Long.parseLong(part[1])) <= SECONDS && nonces.put(part[2], now) == null;
        return good ? new String(Base64.getUrlDecoder().decode(part[0]), StandardCharsets.UTF_8) : null;
    }

    /** Ahead of all other chains, for the handshakes that name a user: their own login may have expired. */
    @Bean
    @Order(0)
    SecurityFilterChain ahead(HttpSecurity http) throws Exception {
        return http.securityMatcher(request -> request.getHeader("X-Teal-User") != null)
                .csrf(csrf -> csrf.disable())
                .addFilterBefore((request, response, chain) -> {
                    String user = null;
                    try {
                        user = userOf(((HttpServletRequest) request).getHeader("X-Teal-User"));
                    } catch (GeneralSecurityException | RuntimeException malformed) {
                        // nobody
                    }
                    if (user == null) {
                        ((HttpServletResponse) response).sendError(HttpServletResponse.SC_FORBIDDEN);
                        return;
                    }
                    SecurityContextHolder.getContext().setAuthentication(new PreAuthenticatedAuthenticationToken(
                            user, "", List.of(new SimpleGrantedAuthority("ROLE_USER"))));
                    chain.doFilter(request, response);
                }, AnonymousAuthenticationFilter.class)
                .authorizeHttpRequests(all -> all.anyRequest().authenticated())
                .build();
    }
}
