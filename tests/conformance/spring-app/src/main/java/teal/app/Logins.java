package teal.app;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;

/**
 * Who may come in: at /ws everybody, at /basic/ws with HTTP Basic, at /form/ws behind a login page, at /jwt/ws with a
 * token.
 */
@Configuration
public class Logins {
    private static final int USERS = 320;

    @Bean
    UserDetailsService users() {
        var users = new InMemoryUserDetailsManager();
        for (int i = 0; i < USERS; i++) {
            users.createUser(User.withUsername("user" + i).password("{noop}secret" + i).roles("USER").build());
        }
        return users::loadUserByUsername; // as a manager it would make slow hashes of the passwords at each login
    }

    @Bean
    @Order(1)
    SecurityFilterChain basic(HttpSecurity http) throws Exception {
        return http.securityMatcher("/basic/**")
                .csrf(csrf -> csrf.disable())
                .authorizeHttpRequests(all -> all.anyRequest().authenticated())
                .httpBasic(Customizer.withDefaults())
                .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain form(HttpSecurity http) throws Exception {
        return http.securityMatcher("/form/**")
                .csrf(csrf -> csrf.ignoringRequestMatchers("/form/login"))
                .authorizeHttpRequests(all -> all.anyRequest().authenticated())
                .formLogin(form -> form.loginProcessingUrl("/form/login"))
                .build();
    }

    @Bean
    @Order(3)
    SecurityFilterChain token(HttpSecurity http) throws Exception {
        return http.securityMatcher("/jwt/**")
                .csrf(csrf -> csrf.disable())
                .authorizeHttpRequests(all -> all.anyRequest().authenticated())
                .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
                .build();
    }

    @Bean
    @Order(4)
    SecurityFilterChain open(HttpSecurity http) throws Exception {
        return http.csrf(csrf -> csrf.disable())
                .authorizeHttpRequests(all -> all.anyRequest().permitAll())
                .build();
    }
}
